// Signals that keep coming until somebody sleeping has noticed one.
#pragma once

#include <csignal>

#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>

namespace coring::support {

// Sends SIGUSR1 to the process every 10 ms, handled by a handler that does nothing. A single
// signal might come before the sleep it is meant for.
class ticking {
public:
    ticking() {
        struct sigaction quiet {};

        quiet.sa_handler = [](int) {};
        EXPECT_EQ(::sigaction(SIGUSR1, &quiet, &before_), 0);
        sigevent event{};
        event.sigev_notify = SIGEV_SIGNAL;
        event.sigev_signo = SIGUSR1;
        EXPECT_EQ(::timer_create(CLOCK_MONOTONIC, &event, &timer_), 0);
        itimerspec pace{};
        pace.it_value.tv_nsec = 10'000'000;
        pace.it_interval.tv_nsec = 10'000'000;
        EXPECT_EQ(::timer_settime(timer_, 0, &pace, nullptr), 0);
    }

    ticking(const ticking&) = delete;
    ticking& operator=(const ticking&) = delete;
    ticking(ticking&&) = delete;
    ticking& operator=(ticking&&) = delete;

    ~ticking() {
        ::timer_delete(timer_);
        ::sigaction(SIGUSR1, &before_, nullptr);
    }

private:
    struct sigaction before_ {};

    timer_t timer_{};
};

} // namespace coring::support
