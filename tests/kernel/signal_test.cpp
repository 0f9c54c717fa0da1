// Goal: what the engine believes about signals (docs/decisions/0028): when they are merged,
// what children inherit, and how often an eventfd tells that it was written to. Method: signals
// to this process, blocked in its only thread; programs it starts.
#include "base/unique_fd.hpp"

#include <cerrno>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using coring::base::unique_fd;

class signal_fact : public testing::Test {
protected:
    void SetUp() override {
        sigset_t wanted;
        ::sigemptyset(&wanted);
        ::sigaddset(&wanted, SIGUSR1);
        ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &wanted, &before_), 0);
        signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
        ASSERT_TRUE(signals_.valid());
    }

    void TearDown() override {
        drain();
        ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &before_, nullptr), 0);
    }

    int drain() {
        int count = 0;
        signalfd_siginfo information{};
        while (::read(signals_.get(), &information, sizeof information) > 0) {
            EXPECT_EQ(information.ssi_signo, static_cast<unsigned>(SIGUSR1));
            ++count;
        }
        EXPECT_EQ(errno, EAGAIN);
        return count;
    }

    unique_fd signals_;
    sigset_t before_{};
};

TEST_F(signal_fact, three_signals_in_a_row_are_read_as_one) {
    for (int sent = 0; sent < 3; ++sent) {
        ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    }
    EXPECT_EQ(drain(), 1);
}

TEST_F(signal_fact, three_signals_are_three_if_each_is_read_before_the_next) {
    int count = 0;
    for (int sent = 0; sent < 3; ++sent) {
        ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
        count += drain(); // readable as soon as kill() has returned
    }
    EXPECT_EQ(count, 3);
}

// What a program that is started now has in the line of its status.
std::string status_of_child(const char* heading) {
    const std::string wanted = std::string{heading} + ":\t";
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    char program[] = "cat";
    char file[] = "/proc/self/status";
    char* arguments[] = {program, file, nullptr};
    pid_t child = 0;
    EXPECT_EQ(::posix_spawnp(&child, program, &actions, nullptr, arguments, environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string text;
    char part[512];
    for (ssize_t size = 0; (size = ::read(ends[0], part, sizeof part)) > 0;) {
        text.append(part, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    const std::size_t at = text.find(wanted);
    return at == std::string::npos ? "" : text.substr(at + wanted.size(), 16);
}

TEST_F(signal_fact, a_blocked_signal_stays_blocked_in_programs_that_are_started) {
    EXPECT_EQ(status_of_child("SigBlk"), "0000000000000200");
}

TEST_F(signal_fact, a_caught_signal_does_not_stay_caught_in_programs_that_are_started) {
    const auto before = ::signal(SIGUSR2, [](int) {});
    EXPECT_EQ(status_of_child("SigCgt"), "0000000000000000");
    EXPECT_EQ(status_of_child("SigIgn").substr(13), "000");
    ::signal(SIGUSR2, before);
}

TEST(eventfd_fact, each_write_is_an_edge_for_each_set_though_nobody_reads) {
    const unique_fd fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    const unique_fd sets[] = {unique_fd{::epoll_create1(EPOLL_CLOEXEC)},
                              unique_fd{::epoll_create1(EPOLL_CLOEXEC)}};
    epoll_event event{};
    for (const unique_fd& set : sets) {
        event.events = EPOLLIN | EPOLLET;
        ASSERT_EQ(::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd.get(), &event), 0);
        EXPECT_EQ(::epoll_wait(set.get(), &event, 1, 0), 0);
    }
    for (int written = 0; written < 3; ++written) {
        const std::uint64_t one = 1;
        ASSERT_EQ(::write(fd.get(), &one, sizeof one), ssize_t{sizeof one});
        for (const unique_fd& set : sets) {
            EXPECT_EQ(::epoll_wait(set.get(), &event, 1, 0), 1);
            EXPECT_EQ(::epoll_wait(set.get(), &event, 1, 0), 0);
        }
    }
}

} // namespace
