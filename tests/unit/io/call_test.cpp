// Goal: a blocking call runs on a worker, its answer comes back through the loop, and its
// memory is freed exactly once, whether its waiter stays or leaves. Method: calls that stop
// inside until the test lets them go; both engines.
#include "io/call.hpp"
#include "unit/support/host.hpp"

#include <latch>
#include <thread>

namespace {

using namespace coring;
using namespace coring::support;

// Says when a worker is inside, and stays there until it may go. Lives in the test.
struct held_call : io::call_job {
    std::latch inside{1};
    std::latch released{1};
    std::thread::id ran_in;
    int destroyed = 0;

    explicit held_call(loop::loop& on) : io::call_job{on, run, end} {}

    static int run(io::call_job& job) noexcept {
        auto& self = static_cast<held_call&>(job);
        self.ran_in = std::this_thread::get_id();
        self.inside.count_down();
        self.released.wait();
        return 42;
    }

    static void end(io::call_job& job) noexcept { ++static_cast<held_call&>(job).destroyed; }
};

class call_test : public hosted_in_real_time {
protected:
    void SetUp() override {
        hosted_in_real_time::SetUp();
        if (!IsSkipped()) {
            ASSERT_TRUE(on.loop.open_mailbox());
        }
    }

    task& start(held_call& call) {
        task& who = on.make("call");
        EXPECT_EQ(
            io::call_start(on.reserve(who, io::call_type), threadpool::lane_kind::files, call),
            0);
        return who;
    }
};

ON_ALL_ENGINES(call_test);

TEST_P(call_test, the_answer_of_a_worker_reaches_the_waiter) {
    held_call call{on.loop};
    task& who = start(call);
    call.inside.wait();
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 0);
    call.released.count_down();
    on.run(); // asleep, if the worker is slow
    EXPECT_EQ(who.result, 42);
    EXPECT_NE(call.ran_in, std::this_thread::get_id());
    EXPECT_EQ(call.destroyed, 1);
    on.expect_nothing_left();
}

TEST_P(call_test, a_call_that_is_left_while_a_worker_is_inside_goes_on_unseen) {
    held_call call{on.loop};
    task& who = start(call);
    call.inside.wait();
    on.leave(who);
    EXPECT_EQ(on.loop.count().going_on, 1U);
    EXPECT_EQ(call.destroyed, 0) << "the worker still uses it";
    call.released.count_down();
    on.run();
    EXPECT_EQ(who.times, 0);
    EXPECT_EQ(call.destroyed, 1);
    on.expect_nothing_left();
}

TEST_P(call_test, closing_the_loop_waits_for_a_worker_that_is_nearly_done) {
    held_call call{on.loop};
    start(call);
    call.inside.wait();
    call.released.count_down();
    EXPECT_TRUE(on.loop.close());
    EXPECT_EQ(call.destroyed, 1);
}

} // namespace
