// Goal: a turn serves its lists in the order of behaviour 2.5, each as it stood when its turn
// came, and sleeps only when there is nothing to serve. Method: stand-ins for coroutines that
// write down who was resumed; virtual time; both engines and tiny rings.
#include "kernel/sockets.hpp"
#include "unit/support/host.hpp"
#include "unit/support/pipes.hpp"
#include "unit/support/ticking.hpp"
#include "unit/support/verbs.hpp"

#include <random>

namespace {

using namespace coring;
using namespace coring::support;

class turn_test : public hosted {
protected:
    pipe_ends pipe;
    op::descriptor out;
    std::deque<sent_bytes> sent;

    turn_test() { out.fd = pipe.out.get(); }

    // The task waits until the pipe is readable.
    void read(task& who, op::descriptor& at) {
        op::operation& reading = on.reserve(who, readable_type);
        aim_read(reading, at);
        on.loop.queue(reading);
    }

    // Operations as objects end them: a result known at once, in a phase of choice.
    void settle(task& who, op::phase when) {
        op::operation& settled = on.reserve(who, readable_type);
        settled.arm();
        on.loop.settle(settled, 0, when);
    }

    void read_again_and_again(task& who) {
        who.then = [this](task& self) { read(self, out); };
        read(who, out);
    }
};

ON_ALL_ENGINES(turn_test);

TEST_P(turn_test, the_phases_come_in_the_order_of_behaviour_2_5) {
    task& late_write = on.make("late-write");
    task& canceled = on.make("canceled");
    settle(canceled, op::phase::canceled);
    pipe.put();
    read(on.make("event", [&](task&) { settle(late_write, op::phase::transfers); }), out);
    on.pause(on.make("zero"));
    settle(on.make("write"), op::phase::transfers);
    on.sleep(on.make("timer"), clock.now);
    on.turn();
    EXPECT_EQ(on.sequence(), "timer write zero event late-write canceled");
    on.expect_nothing_left();
}

TEST_P(turn_test, new_zero_suspensions_go_in_front_and_old_ones_keep_their_order) {
    for (const char* name : {"1", "2", "3"}) {
        on.pause(on.make(name, [&](task& self) { on.pause(self); }));
    }
    for (int round = 0; round < 3; ++round) {
        on.turn();
        EXPECT_EQ(on.sequence(), "3 2 1");
    }
    on.pause(on.make("4", [&](task& self) { on.pause(self); }));
    on.turn();
    EXPECT_EQ(on.sequence(), "4 3 2 1");
    on.turn();
    EXPECT_EQ(on.sequence(), "4 3 2 1");
}

TEST_P(turn_test, a_zero_suspension_that_begins_in_a_round_is_first_in_the_next) {
    task& newcomer = on.make("new", [&](task& self) { on.pause(self); });
    bool came = false;
    on.pause(on.make("1", [&](task& self) { on.pause(self); }));
    on.pause(on.make("2", [&](task& self) {
        on.pause(self);
        if (!std::exchange(came, true)) {
            on.pause(newcomer);
        }
    }));
    on.turn();
    EXPECT_EQ(on.sequence(), "2 1");
    on.turn();
    EXPECT_EQ(on.sequence(), "new 2 1");
    on.turn();
    EXPECT_EQ(on.sequence(), "new 2 1");
}

TEST_P(turn_test, a_zero_suspension_lasts_one_turn_and_keeps_the_turn_awake) {
    read_again_and_again(on.make("idle"));
    task& spins = on.make("zero", [&](task& self) { on.pause(self); });
    on.pause(spins);
    for (int round = 1; round <= 3; ++round) {
        on.turn();
        EXPECT_EQ(spins.times, round);
    }
}

TEST_P(turn_test, timers_come_by_deadline_and_ties_by_the_order_of_calls) {
    const std::uint64_t start = clock.now;
    for (const auto& [name, delay] :
         {std::pair{"c", 3U}, std::pair{"a1", 1U}, std::pair{"b", 2U}, std::pair{"a2", 1U}}) {
        on.sleep(on.make(name), start + delay);
    }
    clock.now = start + 2;
    on.turn();
    EXPECT_EQ(on.sequence(), "a1 a2 b");
    clock.now = start + 3;
    on.turn();
    EXPECT_EQ(on.sequence(), "c");
    on.expect_nothing_left();
}

TEST_P(turn_test, a_deadline_is_kept_to_the_nanosecond) {
    on.sleep(on.make("timer"), clock.now + 1'000'003);
    clock.now += 1'000'002;
    on.turn_without_waiting();
    EXPECT_EQ(on.sequence(), "");
    clock.now += 1;
    on.turn_without_waiting();
    EXPECT_EQ(on.sequence(), "timer");
}

TEST_P(turn_test, a_timer_added_during_a_phase_is_not_served_in_it) {
    task& timer = on.make("timer", [&](task& self) { on.sleep(self, clock.now); });
    on.sleep(timer, clock.now);
    on.turn();
    EXPECT_EQ(timer.times, 1);
    on.turn();
    EXPECT_EQ(timer.times, 2);
}

// One round resumes a coroutine once (behaviour 2.1), though a step looks at the timers twice.
TEST_P(turn_test, a_step_resumes_a_timer_that_is_due_again_at_once_only_once) {
    task& timer = on.make("timer", [&](task& self) { on.sleep(self, clock.now); });
    on.sleep(timer, clock.now);
    on.turn(loop::late_timers::this_turn);
    EXPECT_EQ(timer.times, 1);
    task& zero = on.make("zero", [&](task& self) { on.sleep(self, clock.now); });
    on.pause(zero);
    on.turn(loop::late_timers::this_turn);
    EXPECT_EQ(zero.times, 1);
}

TEST_P(turn_test, a_hundred_thousand_timers_are_served_in_order) {
    constexpr std::uint64_t many = 100'000;
    std::mt19937 dice{3};
    std::uint64_t last = 0;
    std::uint64_t served = 0;
    const std::uint64_t start = clock.now;
    std::vector<std::uint64_t> deadlines(many);
    for (std::uint64_t& deadline : deadlines) {
        deadline = start + dice() % 1000;
        on.sleep(on.make("",
                         [&](task&) {
                             EXPECT_LE(last, deadline);
                             last = deadline;
                             ++served;
                         }),
                 deadline);
    }
    EXPECT_EQ(on.loop.count().records, many);
    while (on.loop.alive()) {
        clock.now += 100;
        on.turn_without_waiting();
    }
    EXPECT_EQ(served, many);
    on.expect_nothing_left();
}

TEST_P(turn_test, what_becomes_ready_while_a_list_is_served_waits_for_the_next_turn) {
    pipe.put();
    task& reader = on.make("reader");
    read_again_and_again(reader);
    on.turn();
    EXPECT_EQ(reader.times, 1);
    on.turn();
    EXPECT_EQ(reader.times, 2);
}

// Tried on the reference, between two connections and a spinning coroutine.
TEST_P(turn_test, a_write_of_one_turn_reports_before_the_zero_suspensions_of_the_next) {
    kernel::socket_pair sockets = kernel::local_pair();
    op::descriptor left;
    left.fd = sockets.left.get();
    task& writer = on.make("write");
    pipe.put();
    read(on.make("event",
                 [&](task&) {
                     op::operation& writing = on.reserve(writer, one_send_type);
                     aim_send(writing, left, sent.emplace_back(sent_bytes{"x", 1}));
                     on.loop.queue(writing);
                 }),
         out);
    on.pause(on.make("zero", [&](task& self) { on.pause(self); }));
    on.turn();
    EXPECT_EQ(on.sequence(), "zero event");
    on.turn();
    EXPECT_EQ(on.sequence(), "write zero");
    on.loop.forget(left);
}

TEST_P(turn_test, a_refused_delivery_keeps_the_operation_and_the_rest_of_the_list) {
    for (const op::phase when :
         {op::phase::transfers, op::phase::events, op::phase::canceled}) {
        for (const char* name : {"1", "2", "3"}) {
            settle(on.make(name, [&](task&) { on.refuses = on.order.size() == 1; }), when);
        }
        loop::turn_report report = on.turn();
        EXPECT_TRUE(report.refused);
        EXPECT_EQ(report.resumed, 1U);
        EXPECT_EQ(on.loop.count().awaiting, 2U);
        on.refuses = false;
        report = on.turn();
        EXPECT_FALSE(report.refused);
        EXPECT_EQ(on.sequence(), "1 2 3");
        on.expect_nothing_left();
    }
}

TEST_P(turn_test, a_refused_zero_suspension_or_timer_is_resumed_later) {
    on.pause(on.make("2"));
    on.pause(on.make("1"));
    on.refuses = true;
    EXPECT_TRUE(on.turn().refused);
    on.sleep(on.make("timer"), clock.now);
    EXPECT_TRUE(on.turn().refused);
    EXPECT_EQ(on.loop.count().awaiting, 3U);
    on.refuses = false;
    on.turn();
    EXPECT_EQ(on.sequence(), "1 2 timer");
    on.expect_nothing_left();
}

TEST_P(turn_test, arrow_18_a_postponed_delivery_is_ready_again) {
    task& who = on.make("zero");
    on.pause(who);
    op::operation& waiting = *who.waits_in;
    waiting.begin_delivery();
    waiting.postpone();
    EXPECT_EQ(waiting.at, op::state::ready);
    on.turn();
    EXPECT_EQ(on.sequence(), "zero");
}

TEST_P(turn_test, arrow_6_a_delivery_that_found_nothing_waits_on_unseen) {
    task& who = on.make("reader");
    int tries = 0;
    who.take = [&](op::operation&) { return ++tries < 3 ? -EAGAIN : 7; };
    who.again = [&](op::operation& reading) {
        reading.requeue();
        on.loop.queue_armed(reading);
    };
    pipe.put();
    read(who, out);
    EXPECT_EQ(on.turn().resumed, 0U);
    on.turn_until([&] { return who.times > 0; });
    EXPECT_EQ(tries, 3);
    EXPECT_EQ(who.result, 7);
    on.expect_nothing_left();
}

TEST_P(turn_test, halt_ends_the_sleeping_but_not_the_turn) {
    read(on.make("idle"), out);
    on.pause(on.make("2"));
    on.pause(on.make("1", [&](task&) { on.loop.halt(); }));
    on.run(); // would never return if it slept
    EXPECT_EQ(on.sequence(), "1 2");
    EXPECT_TRUE(on.loop.halted());
    EXPECT_TRUE(on.loop.alive());
    on.loop.begin_run();
    EXPECT_FALSE(on.loop.halted());
}

TEST_P(turn_test, a_turn_with_nothing_to_wait_for_does_not_sleep) {
    on.turn();
    on.expect_nothing_left();
    EXPECT_FALSE(on.loop.alive());
    EXPECT_FALSE(on.loop.in_turn());
}

TEST_P(turn_test, a_signal_ends_the_sleep_and_is_reported) {
    const ticking signals;
    read(on.make("idle"), out);
    bool interrupted = false;
    for (int turns = 0; turns < 3 && !interrupted; ++turns) { // spurious ends are no signals
        interrupted = on.turn().interrupted;
    }
    EXPECT_TRUE(interrupted);
    EXPECT_EQ(on.sequence(), "");
}

TEST_P(turn_test, busy_turns_know_that_they_are) {
    std::vector<bool> quiet;
    for (int at = 0; at < 4; ++at) {
        on.pause(on.make("", [&](task&) {
            EXPECT_TRUE(on.loop.in_turn());
            quiet.push_back(on.loop.quiet());
        }));
    }
    on.turn();
    EXPECT_EQ(quiet, (std::vector<bool>{true, true, false, false}));
}

// The loop sleeps until the deadline, in the kernel.
using real_time_test = hosted_in_real_time;

// A wake-up may come some nanoseconds early by the clock we read; spinning takes thousands.
constexpr int few = 50;

ON_ALL_ENGINES(real_time_test);

TEST_P(real_time_test, a_sleep_is_never_short_and_takes_few_turns) {
    const std::uint64_t deadline = base::monotonic_ns() + 5'400'000;
    std::uint64_t woken = 0;
    on.sleep(on.make("timer", [&](task&) { woken = base::monotonic_ns(); }), deadline);
    int turns = 0;
    while (on.loop.alive()) {
        on.turn();
        ++turns;
    }
    EXPECT_GE(woken, deadline);
    EXPECT_LE(turns, few) << "it spun instead of sleeping";
}

TEST_P(real_time_test, a_deadline_beyond_all_time_does_not_keep_others_from_theirs) {
    task& never = on.make("never");
    on.sleep(never, UINT64_MAX);
    on.sleep(on.make("soon", [&](task&) { on.loop.halt(); }), base::monotonic_ns() + 1'000'000);
    on.run();
    EXPECT_EQ(on.sequence(), "soon");
    on.leave(never);
    on.expect_nothing_left();
}

TEST_P(real_time_test, a_step_serves_the_timer_it_slept_for) {
    on.sleep(on.make("timer"), base::monotonic_ns() + 1'000'000);
    std::uint32_t resumed = 0;
    int turns = 0;
    for (; resumed == 0 && turns < 100; ++turns) {
        resumed = on.turn(loop::late_timers::this_turn).resumed;
    }
    EXPECT_EQ(on.sequence(), "timer");
    EXPECT_LE(turns, few);
}

} // namespace
