// Goal: timers come due in the order of their deadlines, ties in the order of adding, whatever
// was added and removed between. Method: a slab of records and a queue by hand; large numbers
// and a random walk beside a sorted set.
#include "base/clock.hpp"
#include "loop/timer_queue.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace coring;

class timer_queue_test : public ::testing::Test {
protected:
    op::operation_slab records;
    loop::timer_queue timers{records};

    op::operation& add(std::uint64_t deadline_ns) {
        EXPECT_TRUE(timers.reserve());
        op::operation* made = records.acquire();
        made->at = op::state::in_flight;
        timers.add(*made, deadline_ns);
        return *made;
    }

    op::operation* take(std::uint64_t now_ns) {
        return timers.take_due(now_ns, timers.next_order());
    }
};

TEST_F(timer_queue_test, an_empty_queue_has_nothing_due) {
    EXPECT_TRUE(timers.empty());
    EXPECT_EQ(take(UINT64_MAX), nullptr);
}

TEST_F(timer_queue_test, a_timer_is_due_at_its_deadline_and_not_a_nanosecond_before) {
    op::operation& timer = add(1'000'000'007);
    EXPECT_TRUE(timer.timed);
    EXPECT_EQ(timers.nearest(), 1'000'000'007U);
    EXPECT_EQ(take(1'000'000'006), nullptr);
    EXPECT_EQ(take(1'000'000'007), &timer);
    EXPECT_FALSE(timer.timed);
    EXPECT_TRUE(timers.empty());
}

TEST_F(timer_queue_test, ties_are_in_the_order_of_adding) {
    std::vector<op::operation*> added;
    for (int at = 0; at < 100; ++at) {
        added.push_back(&add(5));
    }
    for (op::operation* expected : added) {
        EXPECT_EQ(take(5), expected);
    }
}

TEST_F(timer_queue_test, ties_are_in_the_order_of_adding_also_across_removals) {
    std::vector<op::operation*> added;
    for (int at = 0; at < 64; ++at) {
        added.push_back(&add(5));
    }
    for (std::size_t at = 0; at < added.size(); at += 3) {
        timers.remove(*added[at]);
        added[at] = nullptr;
    }
    for (op::operation* expected : added) {
        if (expected != nullptr) {
            EXPECT_EQ(take(5), expected);
        }
    }
    EXPECT_TRUE(timers.empty());
}

TEST_F(timer_queue_test, what_was_added_after_the_limit_is_not_served) {
    op::operation& before = add(5);
    const std::uint32_t limit = timers.next_order();
    op::operation& after = add(5);
    EXPECT_EQ(timers.take_due(9, limit), &before);
    EXPECT_EQ(timers.take_due(9, limit), nullptr);
    EXPECT_EQ(take(9), &after);
}

TEST_F(timer_queue_test, the_farthest_deadline_there_is_keeps_its_place) {
    op::operation& never = add(UINT64_MAX);
    op::operation& soon = add(1);
    EXPECT_EQ(take(UINT64_MAX - 1), &soon);
    EXPECT_EQ(take(UINT64_MAX - 1), nullptr);
    timers.remove(never);
    EXPECT_TRUE(timers.empty());
}

TEST_F(timer_queue_test, removal_takes_out_that_timer_and_no_other) {
    op::operation& first = add(1);
    op::operation& second = add(2);
    op::operation& third = add(3);
    timers.remove(second);
    EXPECT_FALSE(second.timed);
    EXPECT_EQ(timers.size(), 2U);
    EXPECT_EQ(take(9), &first);
    EXPECT_EQ(take(9), &third);
}

TEST_F(timer_queue_test, a_hundred_thousand_timers_come_in_order) {
    constexpr std::size_t many = 100'000;
    std::mt19937_64 dice{7};
    for (std::size_t at = 0; at < many; ++at) {
        add(dice() % 1'000'000'000);
    }
    EXPECT_EQ(timers.size(), many);
    std::uint64_t last = 0;
    for (std::size_t at = 0; at < many; ++at) {
        const std::uint64_t nearest = timers.nearest();
        ASSERT_LE(last, nearest);
        ASSERT_NE(take(nearest), nullptr);
        last = nearest;
    }
    EXPECT_TRUE(timers.empty());
}

TEST_F(timer_queue_test, a_random_walk_agrees_with_a_sorted_set) {
    using key = std::pair<std::uint64_t, std::uint32_t>;
    std::mt19937_64 dice{11};
    std::set<std::pair<key, op::operation*>> expected;
    for (int step = 0; step < 20'000; ++step) {
        if (expected.empty() || dice() % 5 < 2) {
            const key at{dice() % 100, timers.next_order()};
            expected.insert({at, &add(at.first)});
        } else if (dice() % 2 == 0) {
            auto leaving = expected.begin();
            std::advance(leaving, static_cast<long>(
                                      dice() % std::min<std::size_t>(expected.size(), 50)));
            timers.remove(*leaving->second);
            records.release(*leaving->second);
            expected.erase(leaving);
        } else {
            const auto first = expected.begin();
            ASSERT_EQ(timers.nearest(), first->first.first);
            ASSERT_EQ(take(first->first.first), first->second);
            records.release(*first->second);
            expected.erase(first);
        }
        ASSERT_EQ(timers.size(), expected.size());
    }
}

using timer_queue_death_test = timer_queue_test;

TEST_F(timer_queue_death_test, a_timer_is_added_once_and_only_into_room) {
    op::operation& timer = add(1);
    EXPECT_DEATH(timers.add(timer, 2), "timed");
    op::operation* homeless = records.acquire();
    loop::timer_queue without_room{records};
    EXPECT_DEATH(without_room.add(*homeless, 1), "size_ < room_");
    EXPECT_DEATH(timers.remove(*homeless), "timed");
}

} // namespace
