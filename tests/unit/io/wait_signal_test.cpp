// Goal: every loop gets every delivery, each of its waiters once, also when loops are on
// different threads; a claim ends when its waiter has gone on.
// Method: loops whose waiters wait again until they have had their share; signals to ourselves.
#include "io/wait_signal.hpp"
#include "reactor/signal_hub.hpp"
#include "unit/support/engines.hpp"
#include "unit/support/verbs.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <signal.h>

namespace {

using namespace coring;
using namespace coring::support;

constexpr int some_signal = SIGUSR1;

void send() {
    ASSERT_EQ(io::emit_signal(::getpid(), some_signal), 0);
}

bool is_caught() {
    struct sigaction now {};

    EXPECT_EQ(::sigaction(some_signal, nullptr, &now), 0);
    return now.sa_handler != SIG_DFL;
}

// A loop whose waiters do with a delivery what the test says: wait again, wait for something
// else, or end.
enum class next : std::uint8_t { wait_again, pause, end };

class waiting_loop final : public loop::deliverer {
public:
    explicit waiting_loop(std::function<next()> on_signal)
        : loop{*this, clock_}, on_signal_{std::move(on_signal)} {}

    base::result<void> open(const loop::engine_wish& wish) { return loop.open(wish); }

    op::operation& wait() {
        auto claim = io::claim_signal(loop, nullptr, some_signal);
        EXPECT_TRUE(claim);
        op::operation* record = loop.acquire(io::wait_signal_type, this);
        EXPECT_NE(record, nullptr);
        io::wait_signal_start(loop, *record, claim.value());
        return *record;
    }

    void turn(loop::waiting how) { loop.turn(how, loop::late_timers::next_turn); }

    loop::delivery deliver(op::operation& ready) noexcept override {
        ready.begin_delivery();
        loop.detach_from_object(ready);
        if (ready.type != &io::wait_signal_type) {
            loop.conclude(ready);
            return loop::delivery::resumed;
        }
        switch (on_signal_()) {
        case next::wait_again: {
            auto claim = io::claim_signal(loop, &ready, some_signal);
            EXPECT_TRUE(claim);
            loop.reuse(ready, io::wait_signal_type);
            io::wait_signal_start(loop, ready, claim.value());
            break;
        }
        case next::pause:
            loop.reuse(ready, timer_type);
            loop.start_zero(ready);
            break;
        case next::end:
            loop.conclude(ready);
            break;
        }
        return loop::delivery::resumed;
    }

private:
    base::system_clock clock_; // before the loop, which asks it at once

public:
    loop::loop loop;

private:
    std::function<next()> on_signal_;
};

class wait_signal_test : public on_an_engine {
protected:
    static void SetUpTestSuite() {
        ASSERT_TRUE(reactor::signal_hub::process().knock_fd()); // which it keeps
    }

    // Skips where there is no ring.
    void SetUp() override {
        waiting_loop probe{[] { return next::end; }};
        const auto opened = probe.open(GetParam().wish);
        SKIP_IF_REFUSED(opened);
    }

    void TearDown() override { EXPECT_FALSE(is_caught()); }
};

ON_ALL_ENGINES(wait_signal_test);

TEST_P(wait_signal_test, all_who_wait_are_completed_by_one_delivery) {
    int times = 0;
    waiting_loop on{[&] {
        ++times;
        return next::end;
    }};
    ASSERT_TRUE(on.open(GetParam().wish));
    on.wait();
    on.wait();
    on.turn(loop::waiting::forbidden);
    EXPECT_EQ(times, 0);
    send();
    on.turn(loop::waiting::allowed);
    EXPECT_EQ(times, 2);
    EXPECT_FALSE(is_caught());
    EXPECT_FALSE(on.loop.alive());
    EXPECT_TRUE(on.loop.close());
}

TEST_P(wait_signal_test, deliveries_are_handed_out_one_by_one) {
    int times = 0;
    waiting_loop on{[&] { return ++times < 3 ? next::wait_again : next::end; }};
    ASSERT_TRUE(on.open(GetParam().wish));
    on.wait();
    for (int sent = 0; sent < 3; ++sent) {
        send();
    }
    for (int expected = 1; expected <= 3; ++expected) {
        EXPECT_TRUE(is_caught());
        on.turn(loop::waiting::allowed);
        EXPECT_EQ(times, expected);
    }
    EXPECT_TRUE(on.loop.close());
}

TEST_P(wait_signal_test, the_claim_ends_when_the_record_serves_another_verb) {
    waiting_loop on{[] { return next::pause; }};
    ASSERT_TRUE(on.open(GetParam().wish));
    on.wait();
    send();
    on.turn(loop::waiting::allowed);
    EXPECT_FALSE(is_caught());
    EXPECT_TRUE(on.loop.alive());
    on.turn(loop::waiting::forbidden);
    EXPECT_FALSE(on.loop.alive());
    EXPECT_TRUE(on.loop.close());
}

TEST_P(wait_signal_test, a_claim_that_is_left_ends_wherever_the_operation_is) {
    waiting_loop on{[] { return next::end; }};
    ASSERT_TRUE(on.open(GetParam().wish));
    on.loop.leave(on.wait());
    EXPECT_FALSE(is_caught());
    op::operation& ready = on.wait();
    op::operation& other = on.wait();
    send();
    op::operation& late = on.wait(); // notices what was counted, for the others
    EXPECT_EQ(ready.at, op::state::ready);
    EXPECT_EQ(late.at, op::state::queued);
    on.loop.leave(ready);
    on.loop.leave(late);
    EXPECT_TRUE(is_caught());
    on.loop.leave(other);
    EXPECT_FALSE(is_caught());
    EXPECT_FALSE(on.loop.alive());
    EXPECT_TRUE(on.loop.close());
}

TEST_P(wait_signal_test, a_loop_that_closes_ends_its_claims) {
    waiting_loop on{[] { return next::end; }};
    ASSERT_TRUE(on.open(GetParam().wish));
    on.wait();
    on.wait();
    send();
    on.wait();
    EXPECT_TRUE(on.loop.close());
}

TEST_P(wait_signal_test, loops_on_other_threads_get_every_delivery_once) {
    constexpr std::size_t loops = 3;
    constexpr int signals = 200;
    const std::uint32_t before = reactor::signal_hub::caught(some_signal);
    std::atomic<bool> over{false};
    std::atomic<std::uint32_t> ready{0};
    std::array<std::atomic<std::uint32_t>, loops> counts{};
    std::vector<std::thread> threads;
    for (std::atomic<std::uint32_t>& count : counts) {
        threads.emplace_back([&] {
            waiting_loop on{[&] {
                ++count;
                return over ? next::end : next::wait_again;
            }};
            ASSERT_TRUE(on.open(GetParam().wish));
            on.wait();
            ++ready;
            while (on.loop.alive()) {
                on.turn(loop::waiting::allowed);
            }
            EXPECT_TRUE(on.loop.close());
        });
    }
    while (ready != loops) {
        std::this_thread::yield();
    }
    for (int sent = 0; sent < signals; ++sent) {
        send();
    }
    const auto counted = [&] { return reactor::signal_hub::caught(some_signal) - before; };
    const auto all_have = [&](std::uint32_t number) {
        return std::all_of(counts.begin(), counts.end(),
                           [&](const auto& each) { return each == number; });
    };
    EXPECT_GT(counted(), 0U);
    while (!all_have(counted())) { // the watchdog bounds it
        std::this_thread::yield();
    }
    over = true;
    send();
    for (std::thread& each : threads) {
        each.join();
    }
    EXPECT_TRUE(all_have(counted()));
}

} // namespace
