// Goal: kinds of work do not wait for each other, stuck calls do not stop the rest, and a loop
// can always go away.
// Method: held jobs, as in lane_test. Only the drain with a deadline and the supervisor let
// real time pass; nothing is concluded from how much.
#include "unit/threadpool/helpers.hpp"

#include <algorithm>
#include <deque>
#include <thread>

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace coring::threadpool::testing; // NOLINT(google-build-using-namespace)
using coring::base::monotonic_ns;
using coring::base::ns_per_ms;
using coring::threadpool::job;
using coring::threadpool::job_state;
using coring::threadpool::lane_kind;
using coring::threadpool::pool;
using coring::threadpool::pool_sizes;
using testing::ElementsAre;
using testing::IsEmpty;

pool& small_pool() {
    return immortal<pool>(pool_sizes{.states = 1, .names = 1, .files = 1});
}

TEST(pool, a_lane_that_is_full_of_stuck_calls_does_not_hold_up_another) {
    pool& workers = small_pool();
    fake_loop loop;
    held_job slow_name{loop};
    held_job program{loop};
    counted_job file{loop};
    ASSERT_TRUE(workers.submit(lane_kind::names, slow_name));
    ASSERT_TRUE(workers.submit(lane_kind::states, program));
    slow_name.inside.wait();
    program.inside.wait();
    ASSERT_TRUE(workers.submit(lane_kind::files, file));
    EXPECT_THAT(loop.next(), ElementsAre(&file));
    slow_name.let_go();
    program.let_go();
    EXPECT_EQ(loop.wait_for(2).size(), 2u);
}

TEST(pool, calls_that_are_all_stuck_let_the_lane_grow) {
    // Four openings of FIFOs must not stop the rest: here each needs a worker for good.
    pool& workers = small_pool();
    fake_loop loop;
    std::deque<held_job> stuck;
    for (int at = 0; at < 4; ++at) {
        ASSERT_TRUE(workers.submit(lane_kind::files, stuck.emplace_back(loop)));
    }
    counted_job last{loop};
    ASSERT_TRUE(workers.submit(lane_kind::files, last));
    EXPECT_THAT(loop.next(), ElementsAre(&last));
    EXPECT_GE(workers.counts(lane_kind::files).workers, 5u);
    for (held_job& each : stuck) {
        each.let_go();
    }
    EXPECT_EQ(loop.wait_for(4).size(), 4u);
}

TEST(pool, the_lane_of_state_coroutines_never_grows) {
    pool& workers = small_pool();
    fake_loop loop;
    held_job first{loop};
    counted_job second{loop};
    std::deque<held_job> calls;
    ASSERT_TRUE(workers.submit(lane_kind::states, first));
    first.inside.wait();
    ASSERT_TRUE(workers.submit(lane_kind::states, second));
    for (int at = 0; at < 3; ++at) { // two periods of the supervisor pass until the third runs
        ASSERT_TRUE(workers.submit(lane_kind::files, calls.emplace_back(loop)));
    }
    for (held_job& each : calls) {
        each.inside.wait();
    }
    EXPECT_EQ(workers.counts(lane_kind::states).workers, 1u);
    EXPECT_EQ(second.runs, 0);
    for (held_job& each : calls) {
        each.let_go();
    }
    first.let_go();
    EXPECT_EQ(loop.wait_for(5).size(), 5u);
}

TEST(pool, a_job_can_be_unqueued_and_abandoned_by_itself) {
    pool& workers = small_pool();
    fake_loop loop;
    held_job busy{loop};
    counted_job unqueued{loop};
    counted_job abandoned{loop};
    ASSERT_TRUE(workers.submit(lane_kind::states, busy));
    busy.inside.wait();
    ASSERT_TRUE(workers.submit(lane_kind::states, unqueued));
    ASSERT_TRUE(workers.submit(lane_kind::states, abandoned));
    EXPECT_TRUE(pool::unqueue(unqueued));
    EXPECT_TRUE(pool::abandon(abandoned));
    EXPECT_EQ(abandoned.discards, 1);
    EXPECT_FALSE(pool::unqueue(busy));
    busy.let_go();
    EXPECT_THAT(loop.next(), ElementsAre(&busy));
}

TEST(pool, draining_without_any_job_is_complete_at_once) {
    pool& workers = small_pool();
    fake_loop loop;
    EXPECT_TRUE(workers.drain(loop.box));
    EXPECT_EQ(workers.counts(lane_kind::states).workers, 0u);
}

TEST(pool, draining_drops_what_waits_and_waits_for_what_runs) {
    pool& workers = small_pool();
    fake_loop loop;
    held_job program{loop};
    held_job call{loop};
    counted_job waiting{loop};
    ASSERT_TRUE(workers.submit(lane_kind::states, program));
    ASSERT_TRUE(workers.submit(lane_kind::files, call));
    program.inside.wait();
    call.inside.wait();
    ASSERT_TRUE(workers.submit(lane_kind::states, waiting));
    call.let_go();
    // The program ends when draining has begun, which shows in the job that it drops.
    std::thread helper{[&] {
        waiting.discards.wait(0);
        program.let_go();
    }};
    EXPECT_TRUE(workers.drain(loop.box, 3'600'000 * ns_per_ms));
    helper.join();
    EXPECT_EQ(waiting.runs, 0);
    EXPECT_EQ(waiting.discards, 1);
    const std::vector<job*> home = loop.collected();
    EXPECT_THAT(home, testing::UnorderedElementsAre(&program, &call));
}

TEST(pool, draining_leaves_a_stuck_call_behind_with_its_worker) {
    pool& workers = small_pool();
    held_job* stuck = nullptr;
    {
        fake_loop loop;
        stuck = new held_job{loop};
        ASSERT_TRUE(workers.submit(lane_kind::files, *stuck));
        stuck->inside.wait();
        const std::uint64_t before = monotonic_ns();
        EXPECT_FALSE(workers.drain(loop.box, 20 * ns_per_ms));
        EXPECT_GE(monotonic_ns() - before, 20 * ns_per_ms);
        EXPECT_THAT(loop.collected(), IsEmpty());
    }
    fake_loop loop;
    EXPECT_TRUE(workers.drain(loop.box)); // whoever comes next is not bothered by it
    stuck->let_go();
    stuck->discards.wait(0);
    EXPECT_EQ(stuck->state_at_discard, job_state::finished);
    counted_job next{loop};
    ASSERT_TRUE(workers.submit(lane_kind::files, next));
    EXPECT_THAT(loop.next(), ElementsAre(&next));
    delete stuck;
}

TEST(pool, loops_of_many_threads_share_it_and_go_away_as_they_like) {
    pool& workers = immortal<pool>(pool_sizes{.states = 2, .names = 2, .files = 2});
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                fake_loop loop;
                std::deque<counted_job> jobs;
                for (const lane_kind kind : {lane_kind::files, lane_kind::names,
                                             lane_kind::states, lane_kind::files}) {
                    wrong += workers.submit(kind, jobs.emplace_back(loop)) ? 0 : 1;
                }
                std::size_t home = 0;
                if (round % 2 == 0) {
                    home = loop.wait_for(2).size();
                }
                wrong += workers.drain(loop.box, 3'600'000 * ns_per_ms) ? 0 : 1;
                home += loop.collected().size();
                std::size_t ran = 0;
                for (const counted_job& each : jobs) {
                    wrong += each.runs + each.discards == 1 ? 0 : 1;
                    ran += static_cast<std::size_t>(each.runs);
                }
                wrong += ran == home ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(wrong, 0);
}

TEST(pool, the_pool_of_the_process_is_one) {
    EXPECT_EQ(&pool::process(), &pool::process());
    fake_loop loop;
    counted_job only{loop};
    ASSERT_TRUE(pool::process().submit(lane_kind::names, only));
    EXPECT_THAT(loop.next(), ElementsAre(&only));
}

// Runs in a process of its own, which must end although a worker of it is blocked.
[[noreturn]] void exit_with_a_blocked_worker() {
    auto* const loop = new fake_loop;
    auto* const stuck = new held_job{*loop};
    if (!pool::process().submit(lane_kind::files, *stuck)) {
        std::_Exit(2);
    }
    stuck->inside.wait();
    const bool complete = pool::process().drain(loop->box, ns_per_ms);
    delete loop;
    std::exit(complete ? 3 : 0); // with all exit handlers
}

TEST(pool_death, the_process_may_exit_while_a_worker_is_blocked) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(exit_with_a_blocked_worker(), testing::ExitedWithCode(0), "");
}

} // namespace
