// Goal: tasks take turns in order, are counted rightly, are woken once for each rest, and none
// is lost or kept when sizes change and pools close. Method: tasks that are functions of the
// test; what a thread does next waits until the test lets it.
#include "threadpool/task_pool.hpp"

#include <atomic>
#include <cerrno>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace {

using namespace coring::threadpool;

std::atomic<int> threads_left{0};

void leave_thread() noexcept {
    ++threads_left;
}

struct scripted final : pool_task {
    std::function<task_end()> stretch;
    std::function<bool()> resting = [] { return false; };
    std::atomic<int> discarded{0};

    explicit scripted(std::function<task_end()> what)
        : pool_task{run_it, rest_it, discard_it}, stretch{std::move(what)} {}

private:
    static task_end run_it(pool_task& self) noexcept {
        return static_cast<scripted&>(self).stretch();
    }

    static bool rest_it(pool_task& self) noexcept {
        return static_cast<scripted&>(self).resting();
    }

    static void discard_it(pool_task& self) noexcept {
        ++static_cast<scripted&>(self).discarded;
    }
};

// A door that stretches wait at.
struct door {
    std::atomic<bool> reached{false};
    std::atomic<bool> open{false};

    void pass() {
        reached = true;
        reached.notify_all();
        open.wait(false);
    }

    void await() { reached.wait(false); }

    void let_through() {
        open = true;
        open.notify_all();
    }
};

task_pool& make(std::size_t size) {
    task_pool* made = task_pool::make(leave_thread);
    EXPECT_NE(made, nullptr);
    EXPECT_EQ(made->resize(size, true), 0);
    return *made;
}

template <typename Condition>
void await(Condition condition) {
    while (!condition()) {
        std::this_thread::yield();
    }
}

std::size_t all(const task_counts& of) {
    return of.running + of.pending + of.suspended;
}

TEST(task_pool, tasks_take_turns_in_their_order) {
    task_pool& pool = make(0);
    std::string order;
    std::deque<scripted> tasks;
    for (const char name : {'a', 'b', 'c'}) {
        auto left = std::make_shared<int>(3);
        tasks.emplace_back([&order, name, left] {
            order += name;
            return --*left > 0 ? task_end::again : task_end::over;
        });
        EXPECT_EQ(pool.submit(tasks.back()), 0);
    }
    EXPECT_EQ(pool.counts().pending, 3U);
    EXPECT_EQ(pool.resize(1, false), 0);
    pool.close();
    EXPECT_EQ(order, "abcabcabc");
    for (const scripted& each : tasks) {
        EXPECT_EQ(each.discarded, 1);
    }
}

TEST(task_pool, threads_are_started_for_tasks_that_wait_and_not_for_more) {
    task_pool& pool = make(0);
    EXPECT_EQ(pool.resize(3, false), 0);
    EXPECT_EQ(pool.counts().actual, 0U);
    door first;
    scripted one{[&] {
        first.pass();
        return task_end::over;
    }};
    EXPECT_EQ(pool.submit(one), 0);
    EXPECT_EQ(pool.counts().actual, 1U);
    first.await();
    scripted other{[] { return task_end::over; }};
    EXPECT_EQ(pool.submit(other), 0);
    EXPECT_EQ(pool.counts().actual, 2U);
    await([&] { return all(pool.counts()) == 1; });
    EXPECT_EQ(pool.counts().running, 1U);
    first.let_through();
    pool.close();
}

TEST(task_pool, one_that_is_woken_while_it_rests_goes_on) {
    task_pool& pool = make(2);
    std::atomic<int> stretches{0};
    scripted task{[&] { return ++stretches < 1000 ? task_end::suspended : task_end::over; }};
    task.resting = [&] {
        if (stretches % 2 == 0) {
            return true; // it need not rest
        }
        std::thread{[&] { pool.wake(task); }}.detach(); // from inside on
        return false;
    };
    EXPECT_EQ(pool.submit(task), 0);
    await([&] { return task.discarded == 1; });
    pool.close();
    EXPECT_EQ(stretches, 1000);
}

TEST(task_pool, a_busy_thread_that_is_too_many_leaves_its_task_to_others) {
    task_pool& pool = make(1);
    door busy;
    int stretches = 0;
    scripted task{[&] {
        if (++stretches == 1) {
            busy.pass();
            return task_end::again;
        }
        return task_end::over;
    }};
    EXPECT_EQ(pool.submit(task), 0);
    busy.await();
    EXPECT_EQ(pool.resize(0, false), 0);
    EXPECT_EQ(pool.counts().actual, 1U);
    busy.let_through();
    await([&] { return pool.counts().actual == 0; });
    EXPECT_EQ(pool.counts().pending, 1U);
    EXPECT_EQ(pool.resize(1, false), 0);
    pool.close();
    EXPECT_EQ(stretches, 2);
}

TEST(task_pool, closed_without_threads_it_discards_what_waits_and_later_what_is_woken) {
    task_pool& pool = make(1);
    scripted resting{[] { return task_end::suspended; }};
    EXPECT_EQ(pool.submit(resting), 0);
    await([&] { return pool.counts().suspended == 1; });
    EXPECT_EQ(pool.resize(0, false), 0);
    await([&] { return pool.counts().actual == 0; });
    scripted pending{[] { return task_end::over; }};
    EXPECT_EQ(pool.submit(pending), 0);
    pool.use(); // as its tasks do
    pool.close();
    EXPECT_EQ(pending.discarded, 1);
    EXPECT_EQ(resting.discarded, 0);
    scripted late{[] { return task_end::over; }};
    EXPECT_EQ(pool.submit(late), ECANCELED);
    pool.wake(resting);
    EXPECT_EQ(resting.discarded, 1);
    pool.let_go();
}

TEST(task_pool, close_waits_for_tasks_that_rest_until_somebody_wakes_them) {
    task_pool& pool = make(1);
    std::atomic<int> stretches{0};
    scripted task{[&] { return ++stretches == 1 ? task_end::suspended : task_end::over; }};
    EXPECT_EQ(pool.submit(task), 0);
    await([&] { return pool.counts().suspended == 1; });
    std::thread waker{[&] { pool.wake(task); }};
    pool.close();
    waker.join();
    EXPECT_EQ(stretches, 2);
    EXPECT_EQ(task.discarded, 1);
}

TEST(task_pool, each_thread_says_goodbye_before_close_returns) {
    threads_left = 0;
    task_pool& pool = make(5);
    EXPECT_EQ(pool.resize(2, true), 0);
    await([&] { return pool.counts().actual == 2; });
    pool.close();
    EXPECT_EQ(threads_left, 5);
}

TEST(task_pool, many_threads_share_many_tasks) {
    task_pool& pool = make(4);
    std::atomic<int> over{0};
    std::deque<scripted> tasks;
    for (int at = 0; at < 100; ++at) {
        auto left = std::make_shared<int>(50);
        tasks.emplace_back([&over, left] {
            if (--*left > 0) {
                return task_end::again;
            }
            ++over;
            return task_end::over;
        });
        EXPECT_EQ(pool.submit(tasks.back()), 0);
        if (at % 10 == 0) {
            EXPECT_EQ(pool.resize(static_cast<std::size_t>(at % 4 + 1), at % 3 == 0), 0);
        }
    }
    pool.close();
    EXPECT_EQ(over, 100);
}

} // namespace
