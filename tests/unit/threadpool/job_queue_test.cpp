// Goal: what waits is served in order, any job can leave early, and there is a limit.
// Method: one thread; the queue knows none.
#include "threadpool/job_queue.hpp"

#include <gtest/gtest.h>

namespace {

using coring::base::intrusive_list;
using coring::base::mailbox;
using coring::threadpool::job;
using coring::threadpool::job_queue;
using coring::threadpool::job_state;

struct idle_job : job {
    explicit idle_job(mailbox& of) noexcept : job{nothing, nothing, of} {}

    static void nothing(job& /*self*/) noexcept {}
};

TEST(job_queue, the_first_to_come_is_the_first_to_run) {
    mailbox home;
    job_queue queue{10};
    idle_job first{home};
    idle_job second{home};
    EXPECT_TRUE(queue.empty());
    EXPECT_TRUE(queue.push(first));
    EXPECT_TRUE(queue.push(second));
    EXPECT_EQ(queue.count(), 2u);
    EXPECT_EQ(first.state, job_state::waiting);
    EXPECT_EQ(queue.pop(), &first);
    EXPECT_EQ(first.state, job_state::running);
    EXPECT_EQ(queue.pop(), &second);
    EXPECT_EQ(queue.pop(), nullptr);
    EXPECT_TRUE(queue.empty());
}

TEST(job_queue, a_full_queue_takes_no_more_until_one_leaves) {
    mailbox home;
    job_queue queue{1};
    idle_job first{home};
    idle_job second{home};
    EXPECT_TRUE(queue.push(first));
    EXPECT_FALSE(queue.push(second));
    EXPECT_EQ(second.state, job_state::idle);
    queue.remove(first);
    EXPECT_EQ(first.state, job_state::idle);
    EXPECT_TRUE(queue.push(second));
    queue.remove(second);
}

TEST(job_queue, a_job_can_leave_from_the_middle) {
    mailbox home;
    job_queue queue{10};
    idle_job jobs[3]{idle_job{home}, idle_job{home}, idle_job{home}};
    for (idle_job& each : jobs) {
        ASSERT_TRUE(queue.push(each));
    }
    queue.remove(jobs[1]);
    EXPECT_EQ(queue.count(), 2u);
    EXPECT_EQ(queue.pop(), &jobs[0]);
    EXPECT_EQ(queue.pop(), &jobs[2]);
}

TEST(job_queue, the_jobs_of_one_home_leave_together_and_in_order) {
    mailbox home;
    mailbox other;
    job_queue queue{10};
    idle_job jobs[4]{idle_job{home}, idle_job{other}, idle_job{home}, idle_job{other}};
    for (idle_job& each : jobs) {
        ASSERT_TRUE(queue.push(each));
    }
    intrusive_list<job> removed;
    queue.remove_of(home, removed);
    EXPECT_EQ(removed.pop_front(), &jobs[0]);
    EXPECT_EQ(removed.pop_front(), &jobs[2]);
    EXPECT_TRUE(removed.empty());
    EXPECT_EQ(jobs[2].state, job_state::idle);
    EXPECT_EQ(queue.count(), 2u);
    EXPECT_EQ(queue.pop(), &jobs[1]);
    EXPECT_EQ(queue.pop(), &jobs[3]);
}

TEST(job_queue_death, a_job_cannot_wait_twice) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    mailbox home;
    job_queue queue{10};
    idle_job only{home};
    ASSERT_TRUE(queue.push(only));
    EXPECT_DEATH(static_cast<void>(queue.push(only)), "assertion failed");
    queue.remove(only);
}

} // namespace
