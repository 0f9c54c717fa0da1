// Goal: a thread of ours takes nobody's signals, has its name and its stack, and is counted.
// Method: a body that notes what it finds about itself and says when it is done.
#include "threadpool/worker.hpp"

#include <atomic>
#include <cstdlib>
#include <latch>

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

namespace {

using coring::threadpool::live_threads;
using coring::threadpool::small_stack;
using coring::threadpool::start;
using coring::threadpool::worker;

struct findings {
    sigset_t blocked{};
    char name[16] = {};
    std::size_t stack_bytes = 0;
    bool detached = false;
    std::latch done{1};
    std::latch may_end{1};
    std::atomic<bool> ended{false}; // the thread's last touch
};

void look(worker& self) noexcept {
    auto& found = *static_cast<findings*>(self.owner);
    ::pthread_sigmask(SIG_SETMASK, nullptr, &found.blocked);
    ::pthread_getname_np(::pthread_self(), found.name, sizeof found.name);
    pthread_attr_t attributes;
    ::pthread_getattr_np(::pthread_self(), &attributes);
    ::pthread_attr_getstacksize(&attributes, &found.stack_bytes);
    int state = 0;
    ::pthread_attr_getdetachstate(&attributes, &state);
    found.detached = state == PTHREAD_CREATE_DETACHED;
    ::pthread_attr_destroy(&attributes);
    found.done.count_down();
    found.may_end.wait();
    found.ended = true;
}

class started_worker : public testing::Test {
protected:
    started_worker() : record_{look, &found_, "coring-test"} {
        EXPECT_TRUE(start(record_, small_stack));
        found_.done.wait();
    }

    ~started_worker() override {
        found_.may_end.count_down();
        while (!found_.ended) {
        }
    }

    findings found_;
    worker record_;
};

TEST_F(started_worker, blocks_every_signal_but_synchronous_faults) {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        const bool fault = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
                           signal == SIGILL || signal == SIGTRAP || signal == SIGSYS;
        const bool reserved = signal >= __SIGRTMIN && signal < SIGRTMIN; // the C library's own
        const bool never = signal == SIGKILL || signal == SIGSTOP;
        if (!reserved && !never) {
            EXPECT_EQ(::sigismember(&found_.blocked, signal), fault ? 0 : 1) << signal;
        }
    }
}

TEST_F(started_worker, leaves_the_mask_of_its_creator_alone) {
    sigset_t mine;
    ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &mine), 0);
    EXPECT_EQ(::sigismember(&mine, SIGTERM), 0);
    EXPECT_EQ(::sigismember(&mine, SIGINT), 0);
}

TEST_F(started_worker, carries_its_name) {
    EXPECT_STREQ(found_.name, "coring-test");
}

TEST_F(started_worker, has_a_small_stack_and_is_joined_by_nobody) {
    EXPECT_GE(found_.stack_bytes, small_stack);
    EXPECT_LE(found_.stack_bytes, 8 * small_stack); // sanitizers enlarge it
    EXPECT_TRUE(found_.detached);
}

TEST(worker, one_that_cannot_start_is_reported) {
    findings found;
    worker record{look, &found, "coring-test"};
    const auto started = start(record, std::size_t{1} << 60); // no address space is that large
    ASSERT_FALSE(started);
    EXPECT_TRUE(started.error() == EAGAIN || started.error() == ENOMEM) << started.error();
}

// In a process of its own, where no other test's threads come and go.
[[noreturn]] void count_one_thread() {
    findings found;
    worker record{look, &found, "coring-test"};
    const bool none = live_threads() == 0;
    const bool started = start(record, small_stack).has_value();
    const bool one = live_threads() == 1;
    found.may_end.count_down();
    while (live_threads() != 0) { // if it never comes to that, the test does not end
    }
    std::exit(none && started && one && found.ended ? 0 : 1);
}

TEST(worker_death, a_thread_is_counted_while_it_lives) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(count_one_thread(), testing::ExitedWithCode(0), "");
}

} // namespace
