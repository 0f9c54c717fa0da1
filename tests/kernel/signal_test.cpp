// Goal: what the engine believes about signalfd (decisions 16, behaviour 9.5).
// Method: signals to this process, blocked in its only thread.
#include "base/unique_fd.hpp"

#include <cerrno>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/signalfd.h>
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

} // namespace
