// Goal: the mutex excludes, and a wait ends by waking or by the clock.
// Method: a counter without atomics among threads; waits whose deadline has passed or never
// comes.
#include "threadpool/annotations.hpp"

#include <latch>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using coring::base::monotonic_ns;
using coring::base::ns_per_ms;
using coring::threadpool::condition;
using coring::threadpool::lock;
using coring::threadpool::mutex;

TEST(mutex, lets_one_thread_in_at_a_time) {
    mutex guard;
    int count = 0;
    std::latch start{3};
    std::vector<std::thread> threads;
    for (int number = 0; number < 3; ++number) {
        threads.emplace_back([&] {
            start.arrive_and_wait();
            for (int at = 0; at < 10'000; ++at) {
                const lock held{guard};
                ++count;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(count, 30'000);
}

TEST(condition, a_wait_without_a_limit_ends_by_waking) {
    mutex guard;
    condition changed;
    bool ready = false;
    std::thread waker{[&] {
        const lock held{guard};
        ready = true;
        changed.wake_one();
    }};
    {
        const lock held{guard};
        while (!ready) {
            EXPECT_TRUE(changed.wait(guard, condition::never));
        }
    }
    waker.join();
}

TEST(condition, waking_all_wakes_all) {
    mutex guard;
    condition changed;
    bool ready = false;
    std::vector<std::thread> waiters;
    for (int number = 0; number < 3; ++number) {
        waiters.emplace_back([&] {
            const lock held{guard};
            while (!ready) {
                static_cast<void>(changed.wait(guard, condition::never));
            }
        });
    }
    {
        const lock held{guard};
        ready = true;
        changed.wake_all();
    }
    for (std::thread& waiter : waiters) {
        waiter.join();
    }
}

TEST(condition, a_wait_ends_with_its_deadline_and_not_before) {
    mutex guard;
    condition changed;
    const std::uint64_t deadline_ns = monotonic_ns() + 2 * ns_per_ms;
    const lock held{guard};
    while (changed.wait(guard, deadline_ns)) {
    }
    EXPECT_GE(monotonic_ns(), deadline_ns);
    EXPECT_FALSE(changed.wait(guard, 0)); // one in the past does not wait
}

} // namespace
