// Goal: a lane whose workers are all stuck gets one more per period, only then, only up to its
// limit, and gives it back; the supervisor does this by itself whenever jobs wait.
// Method: held jobs. The lane's periods are begun and ended by the test; the supervisor's are
// real time, but what counts is that the waiting job runs, not when.
#include "unit/threadpool/helpers.hpp"

#include <deque>

#include <gmock/gmock.h>

namespace {

using namespace coring::threadpool::testing; // NOLINT(google-build-using-namespace)
using coring::threadpool::lane;
using coring::threadpool::lane_options;
using coring::threadpool::pressure;
using coring::threadpool::small_stack;
using coring::threadpool::supervisor;
using testing::ElementsAre;

lane& lane_of(std::size_t size, std::size_t limit) {
    return immortal<lane>(lane_options{.name = "coring-test",
                                       .size = size,
                                       .limit = limit,
                                       .stack_bytes = small_stack,
                                       .queue_limit = 100,
                                       .idle_ns = 1});
}

TEST(growth, pressure_is_reported_only_when_growth_can_help) {
    lane& fixed = lane_of(1, 1);
    lane& growing = lane_of(1, 2);
    for (lane* of : {&fixed, &growing}) {
        fake_loop loop;
        held_job busy{loop};
        counted_job waiting{loop};
        ASSERT_TRUE(of->submit(busy));
        busy.inside.wait();
        EXPECT_EQ(of->begin_watch(), pressure::calm);
        auto answer = of->submit(waiting);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer.value(), of == &growing ? pressure::pressed : pressure::calm);
        EXPECT_EQ(of->begin_watch(), answer.value());
        busy.let_go();
        EXPECT_THAT(loop.wait_for(2), ElementsAre(&busy, &waiting));
    }
}

TEST(growth, a_lane_grows_by_one_when_nobody_took_a_job_in_a_period_and_not_beyond_its_limit) {
    lane& of = lane_of(1, 2);
    fake_loop loop;
    std::deque<held_job> jobs;
    for (int at = 0; at < 3; ++at) {
        ASSERT_TRUE(of.submit(jobs.emplace_back(loop)));
    }
    jobs[0].inside.wait();
    EXPECT_EQ(of.begin_watch(), pressure::pressed);
    EXPECT_EQ(of.relieve(), pressure::pressed);
    jobs[1].inside.wait(); // only the second worker can be there
    EXPECT_EQ(of.counts().workers, 2u);
    EXPECT_EQ(of.relieve(), pressure::pressed); // a job was taken: not stuck
    EXPECT_EQ(of.relieve(), pressure::pressed); // stuck, but at the limit
    EXPECT_EQ(of.counts().workers, 2u);
    for (held_job& each : jobs) {
        each.let_go();
    }
    EXPECT_EQ(loop.wait_for(3).size(), 3u);
    EXPECT_EQ(of.relieve(), pressure::calm);
}

TEST(growth, a_worker_that_takes_jobs_is_not_stuck) {
    lane& of = lane_of(1, 2);
    fake_loop loop;
    std::deque<held_job> jobs;
    for (int at = 0; at < 3; ++at) {
        ASSERT_TRUE(of.submit(jobs.emplace_back(loop)));
    }
    jobs[0].inside.wait();
    EXPECT_EQ(of.begin_watch(), pressure::pressed);
    jobs[0].let_go();
    jobs[1].inside.wait();
    EXPECT_EQ(of.relieve(), pressure::pressed);
    EXPECT_EQ(of.counts().workers, 1u);
    jobs[1].let_go();
    jobs[2].let_go();
    EXPECT_EQ(loop.wait_for(3).size(), 3u);
}

TEST(growth, workers_beyond_the_size_end_when_they_are_idle) {
    lane& of = lane_of(1, 2);
    fake_loop loop;
    held_job first{loop};
    held_job second{loop};
    ASSERT_TRUE(of.submit(first));
    ASSERT_TRUE(of.submit(second));
    first.inside.wait();
    EXPECT_EQ(of.begin_watch(), pressure::pressed);
    EXPECT_EQ(of.relieve(), pressure::pressed);
    second.inside.wait();
    EXPECT_EQ(of.counts().workers, 2u);
    first.let_go();
    second.let_go();
    EXPECT_EQ(loop.wait_for(2).size(), 2u);
    while (of.counts().workers > 1) { // idle_ns is one nanosecond here
    }
    counted_job next{loop};
    ASSERT_TRUE(of.submit(next));
    EXPECT_THAT(loop.next(), ElementsAre(&next));
    EXPECT_EQ(of.counts().workers, 1u);
}

TEST(supervisor, every_alert_is_answered_also_one_that_comes_while_it_calms_down) {
    // The lane shrinks between the rounds, so each needs help anew; rounds begin in whatever
    // phase the supervisor is in.
    lane& only = lane_of(1, 3);
    supervisor& helper = immortal<supervisor>(std::span<lane>{&only, 1});
    fake_loop loop;
    for (int round = 0; round < 10; ++round) {
        held_job stuck{loop};
        held_job also_stuck{loop};
        counted_job waiting{loop};
        ASSERT_TRUE(only.submit(stuck));
        stuck.inside.wait();
        auto answer = only.submit(also_stuck);
        ASSERT_TRUE(answer);
        ASSERT_EQ(answer.value(), pressure::pressed);
        helper.alert();
        ASSERT_TRUE(only.submit(waiting));
        helper.alert();
        EXPECT_THAT(loop.next(), ElementsAre(&waiting));
        stuck.let_go();
        also_stuck.let_go();
        EXPECT_EQ(loop.wait_for(2).size(), 2u);
        while (only.counts().workers > 1) {
        }
    }
}

} // namespace
