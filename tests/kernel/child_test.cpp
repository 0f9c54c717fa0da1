// Goal: what spawning believes about children without an exit signal, and about pidfds
// (decisions 17). Method: children that share our memory until they exit or execute.
#include "base/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <csignal>

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using coring::base::unique_fd;

alignas(16) std::array<char, 65536> stack;

int come_to_nothing(void*) {
    ::_exit(127);
}

int become_true(void*) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(127);
}

// A child without an exit signal, and its pidfd.
int borrow(int (*body)(void*), unique_fd& pidfd) {
    int fd = -1;
    const int pid = ::clone(body, stack.data() + stack.size(),
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD, nullptr, &fd);
    pidfd.reset(fd);
    return pid;
}

// Waits for the end to show, and tells what waitid says; -errno when it fails.
int end_of(const unique_fd& pidfd, int options) {
    pollfd asked{pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&asked, 1, 10000), 1);
    siginfo_t end{};
    const int failed = ::waitid(static_cast<idtype_t>(3), static_cast<id_t>(pidfd.get()), &end,
                                WEXITED | WNOHANG | options);
    return failed == 0 ? end.si_status : -errno;
}

class child_fact : public testing::TestWithParam<void (*)(int)> {
protected:
    void SetUp() override { before_ = ::signal(SIGCHLD, GetParam()); }

    void TearDown() override { ::signal(SIGCHLD, before_); }

private:
    void (*before_)(int) = nullptr;
};

INSTANTIATE_TEST_SUITE_P(whatever_sigchld_does, child_fact, testing::Values(SIG_DFL, SIG_IGN));

TEST_P(child_fact, one_that_never_executed_is_seen_by_nobody_else) {
    unique_fd pidfd;
    ASSERT_GT(borrow(come_to_nothing, pidfd), 0);
    EXPECT_EQ(::wait(nullptr), -1);
    EXPECT_EQ(errno, ECHILD);
    EXPECT_EQ(end_of(pidfd, __WALL), 127);
    EXPECT_EQ(end_of(pidfd, __WALL), -ECHILD);
}

TEST_P(child_fact, one_that_executed_is_like_any_other) {
    unique_fd pidfd;
    ASSERT_GT(borrow(become_true, pidfd), 0);
    EXPECT_EQ(end_of(pidfd, 0), GetParam() == SIG_IGN ? -ECHILD : 0);
}

TEST_P(child_fact, a_pidfd_shows_the_end_of_one_that_was_reaped) {
    if (GetParam() == SIG_IGN) {
        GTEST_SKIP() << "the kernel reaps it";
    }
    unique_fd pidfd;
    const int pid = borrow(become_true, pidfd);
    ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
    EXPECT_EQ(end_of(pidfd, 0), -ECHILD);
}

} // namespace
