// Goal: a lane starts workers only as they are needed, serves in order, lets jobs leave, and an
// abandoned job is discarded instead of posted, whoever is faster.
// Method: schedules. A held job says when a worker is inside and stays until it is let go, so
// every order of events is made, not hoped for; races that cannot be held are repeated.
#include "unit/threadpool/helpers.hpp"

#include <deque>

#include <gmock/gmock.h>

namespace {

using namespace coring::threadpool::testing; // NOLINT(google-build-using-namespace)
using coring::base::monotonic_ns;
using coring::base::ns_per_ms;
using coring::threadpool::condition;
using coring::threadpool::job;
using coring::threadpool::job_state;
using coring::threadpool::lane;
using coring::threadpool::lane_options;
using coring::threadpool::small_stack;
using testing::ElementsAre;

lane& lane_of(std::size_t size, std::size_t limit, std::size_t queue_limit = 100) {
    return immortal<lane>(lane_options{.name = "coring-test",
                                       .size = size,
                                       .limit = limit,
                                       .stack_bytes = small_stack,
                                       .queue_limit = queue_limit,
                                       .idle_ns = 1});
}

TEST(lane, a_new_one_has_no_threads) {
    lane& of = lane_of(4, 4);
    EXPECT_EQ(of.counts().workers, 0u);
}

TEST(lane, a_submitted_job_runs_and_comes_home) {
    lane& of = lane_of(1, 1);
    fake_loop loop;
    counted_job only{loop};
    ASSERT_TRUE(of.submit(only));
    EXPECT_THAT(loop.next(), ElementsAre(&only));
    EXPECT_EQ(only.runs, 1);
    EXPECT_EQ(only.state, job_state::finished);
    EXPECT_EQ(only.discards, 0);
}

TEST(lane, a_finished_job_can_be_submitted_again) {
    lane& of = lane_of(1, 1);
    fake_loop loop;
    counted_job only{loop};
    for (int round = 1; round <= 3; ++round) {
        ASSERT_TRUE(of.submit(only));
        EXPECT_THAT(loop.next(), ElementsAre(&only));
        EXPECT_EQ(only.runs, round);
    }
    EXPECT_EQ(of.counts().workers, 1u);
}

TEST(lane, jobs_run_in_the_order_of_submission) {
    lane& of = lane_of(1, 1);
    fake_loop loop;
    held_job first{loop};
    counted_job second{loop};
    counted_job third{loop};
    ASSERT_TRUE(of.submit(first));
    first.inside.wait();
    ASSERT_TRUE(of.submit(second));
    ASSERT_TRUE(of.submit(third));
    EXPECT_EQ(of.counts().waiting, 2u);
    first.let_go();
    EXPECT_THAT(loop.wait_for(3), ElementsAre(&first, &second, &third));
}

TEST(lane, as_many_jobs_as_its_size_run_at_once) {
    lane& of = lane_of(3, 3);
    fake_loop loop;
    std::deque<held_job> jobs;
    for (int at = 0; at < 3; ++at) {
        ASSERT_TRUE(of.submit(jobs.emplace_back(loop)));
    }
    for (held_job& each : jobs) {
        each.inside.wait();
    }
    EXPECT_EQ(of.counts().workers, 3u);
    for (held_job& each : jobs) {
        each.let_go();
    }
    EXPECT_EQ(loop.wait_for(3).size(), 3u);
}

TEST(lane, a_full_queue_answers_that_it_is_and_leaves_the_job_alone) {
    lane& of = lane_of(1, 1, 1);
    fake_loop loop;
    held_job busy{loop};
    counted_job waiting{loop};
    counted_job refused{loop};
    ASSERT_TRUE(of.submit(busy));
    busy.inside.wait();
    ASSERT_TRUE(of.submit(waiting));
    const auto answer = of.submit(refused);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), EAGAIN);
    EXPECT_EQ(refused.state, job_state::idle);
    busy.let_go();
    EXPECT_THAT(loop.wait_for(2), ElementsAre(&busy, &waiting));
    EXPECT_EQ(refused.runs, 0);
}

TEST(lane, without_a_worker_and_without_a_chance_of_one_submitting_fails) {
    lane& of = immortal<lane>(lane_options{
        .name = "coring-test", .size = 1, .limit = 1, .stack_bytes = std::size_t{1} << 60});
    fake_loop loop;
    counted_job only{loop};
    const auto answer = of.submit(only);
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error() == EAGAIN || answer.error() == ENOMEM);
    EXPECT_EQ(only.state, job_state::idle);
    EXPECT_EQ(of.counts().waiting, 0u);
}

TEST(lane, a_queued_job_that_is_unqueued_never_runs) {
    lane& of = lane_of(1, 1);
    fake_loop loop;
    held_job busy{loop};
    counted_job leaver{loop};
    counted_job last{loop};
    ASSERT_TRUE(of.submit(busy));
    busy.inside.wait();
    ASSERT_TRUE(of.submit(leaver));
    ASSERT_TRUE(of.submit(last));
    EXPECT_TRUE(of.unqueue(leaver));
    EXPECT_EQ(leaver.state, job_state::idle);
    busy.let_go();
    EXPECT_THAT(loop.wait_for(2), ElementsAre(&busy, &last));
    EXPECT_EQ(leaver.runs, 0);
    EXPECT_EQ(leaver.discards, 0);
}

TEST(lane, a_job_that_runs_or_ran_cannot_be_unqueued) {
    lane& of = lane_of(1, 1);
    fake_loop loop;
    held_job only{loop};
    ASSERT_TRUE(of.submit(only));
    only.inside.wait();
    EXPECT_FALSE(of.unqueue(only));
    only.let_go();
    ASSERT_TRUE(of.settle(loop.box, condition::never));
    EXPECT_FALSE(of.unqueue(only));
    EXPECT_THAT(loop.next(), ElementsAre(&only));
}

TEST(lane, an_abandoned_job_that_runs_is_discarded_by_its_worker_and_not_posted) {
    lane& of = lane_of(1, 1);
    held_job* abandoned = nullptr;
    {
        fake_loop gone; // the mailbox is closed before the job ends
        abandoned = new held_job{gone};
        ASSERT_TRUE(of.submit(*abandoned));
        abandoned->inside.wait();
        EXPECT_TRUE(of.abandon(*abandoned));
        EXPECT_EQ(abandoned->discards, 0);
    }
    abandoned->let_go();
    abandoned->discards.wait(0);
    EXPECT_EQ(abandoned->discards, 1);
    EXPECT_EQ(abandoned->state_at_discard, job_state::finished);
    fake_loop loop;
    counted_job next{loop}; // and the worker is free again, done with the job before
    ASSERT_TRUE(of.submit(next));
    EXPECT_THAT(loop.next(), ElementsAre(&next));
    delete abandoned;
}

TEST(lane, an_abandoned_job_that_waits_is_discarded_on_the_spot) {
    lane& of = lane_of(1, 1);
    fake_loop loop;
    held_job busy{loop};
    counted_job waiting{loop};
    ASSERT_TRUE(of.submit(busy));
    busy.inside.wait();
    ASSERT_TRUE(of.submit(waiting));
    EXPECT_TRUE(of.abandon(waiting));
    EXPECT_EQ(waiting.discards, 1);
    EXPECT_EQ(waiting.state_at_discard, job_state::idle);
    busy.let_go();
    EXPECT_THAT(loop.next(), ElementsAre(&busy));
    EXPECT_EQ(waiting.runs, 0);
}

TEST(lane, a_finished_job_cannot_be_abandoned_and_comes_home) {
    lane& of = lane_of(1, 1);
    fake_loop loop;
    counted_job only{loop};
    ASSERT_TRUE(of.submit(only));
    ASSERT_TRUE(of.settle(loop.box, condition::never));
    while (only.runs == 0) { // settle() found it waiting
        ASSERT_TRUE(of.settle(loop.box, condition::never));
    }
    ASSERT_TRUE(of.settle(loop.box, condition::never));
    EXPECT_FALSE(of.abandon(only));
    EXPECT_THAT(loop.next(), ElementsAre(&only));
    EXPECT_EQ(only.discards, 0);
}

TEST(lane, abandoning_races_with_finishing_and_each_job_ends_exactly_once) {
    lane& of = lane_of(2, 2);
    constexpr int rounds = 5'000;
    int posted = 0;
    int given_away = 0;
    for (int round = 0; round < rounds; ++round) {
        fake_loop loop;
        counted_job only{loop};
        ASSERT_TRUE(of.submit(only));
        if (round % 2 == 0) {
            while (only.runs == 0) {
            }
        }
        if (of.abandon(only)) {
            ++given_away;
            only.discards.wait(0);
            // The worker may still be inside notify_all: it touches the atomic's address only.
            EXPECT_EQ(only.discards, 1);
            EXPECT_TRUE(loop.collected().empty());
        } else {
            ++posted;
            EXPECT_THAT(loop.next(), ElementsAre(&only));
            EXPECT_EQ(only.discards, 0);
        }
    }
    EXPECT_EQ(posted + given_away, rounds);
}

TEST(lane, unqueueing_races_with_taking_and_each_job_runs_or_leaves) {
    lane& of = lane_of(2, 2);
    fake_loop loop;
    for (int round = 0; round < 5'000; ++round) {
        counted_job only{loop};
        ASSERT_TRUE(of.submit(only));
        if (of.unqueue(only)) {
            EXPECT_EQ(only.runs, 0);
        } else {
            EXPECT_THAT(loop.next(), ElementsAre(&only));
            EXPECT_EQ(only.runs, 1);
        }
    }
}

TEST(lane, dropping_discards_the_waiting_jobs_of_one_home_only) {
    lane& of = lane_of(1, 1);
    fake_loop mine;
    fake_loop other;
    held_job busy{mine};
    counted_job dropped{mine};
    counted_job kept{other};
    ASSERT_TRUE(of.submit(busy));
    busy.inside.wait();
    ASSERT_TRUE(of.submit(dropped));
    ASSERT_TRUE(of.submit(kept));
    of.drop(mine.box);
    EXPECT_EQ(dropped.discards, 1);
    busy.let_go();
    EXPECT_THAT(other.next(), ElementsAre(&kept));
    EXPECT_EQ(dropped.runs, 0);
    EXPECT_EQ(kept.discards, 0);
    EXPECT_THAT(mine.next(), ElementsAre(&busy));
}

TEST(lane, settling_waits_for_no_stranger) {
    lane& of = lane_of(1, 1);
    fake_loop mine;
    fake_loop other;
    held_job busy{other};
    ASSERT_TRUE(of.submit(busy));
    busy.inside.wait();
    EXPECT_TRUE(of.settle(mine.box, condition::never));
    busy.let_go();
    EXPECT_THAT(other.next(), ElementsAre(&busy));
}

TEST(lane, settling_past_the_deadline_abandons_what_still_runs) {
    lane& of = lane_of(1, 1);
    held_job* stuck = nullptr;
    {
        fake_loop loop;
        stuck = new held_job{loop};
        ASSERT_TRUE(of.submit(*stuck));
        stuck->inside.wait();
        EXPECT_FALSE(of.settle(loop.box, monotonic_ns() + ns_per_ms));
        EXPECT_EQ(stuck->state, job_state::abandoned);
    }
    stuck->let_go();
    stuck->discards.wait(0);
    EXPECT_EQ(stuck->discards, 1);
    fake_loop next_loop;
    counted_job next{next_loop};
    ASSERT_TRUE(of.submit(next));
    EXPECT_THAT(next_loop.next(), ElementsAre(&next));
    delete stuck;
}

TEST(lane, a_loop_that_settled_may_go_at_once) {
    // The mailbox and the job end right after settle(), while the worker has just posted.
    lane& of = lane_of(2, 2);
    for (int round = 0; round < 3'000; ++round) {
        fake_loop loop;
        counted_job only{loop};
        ASSERT_TRUE(of.submit(only));
        of.drop(loop.box);
        EXPECT_TRUE(of.settle(loop.box, condition::never));
        EXPECT_EQ(only.runs + only.discards, 1);
        EXPECT_EQ(loop.collected().size(), static_cast<std::size_t>(only.runs));
    }
}

} // namespace
