// Goal: an operation can be left, pulled or taken back from wherever it is, and afterwards
// nothing of it is anywhere; other threads and other descriptors wake the loop. Method: verbs
// of the tests that drop or go on, in every state; virtual time; both engines and tiny rings.
#include "kernel/sockets.hpp"
#include "loop/loop.hpp"
#include "unit/support/host.hpp"
#include "unit/support/pipes.hpp"
#include "unit/support/verbs.hpp"

#include <array>
#include <thread>

namespace {

using namespace coring;
using namespace coring::support;

struct counted_source : loop::source {
    int told = 0;

    counted_source() {
        readable = [](loop::source& self) noexcept {
            ++static_cast<counted_source&>(self).told;
        };
    }
};

struct lodger : loop::companion {
    int ends = 0;

    lodger() {
        dismissed = [](loop::companion& self) noexcept { ++static_cast<lodger&>(self).ends; };
    }
};

class loop_test : public hosted {
protected:
    lodger parting;
    lodger staying;
    pipe_ends pipe;
    op::descriptor out;

    loop_test() { out.fd = pipe.out.get(); }

    op::operation& wait(task& who, const op::operation_type& type = readable_type) {
        op::operation& waiting = on.reserve(who, type);
        aim_read(waiting, out);
        on.loop.queue(waiting);
        return waiting;
    }

    op::operation& wait_in_flight(task& who, const op::operation_type& type = readable_type) {
        op::operation& waiting = wait(who, type);
        on.turn_without_waiting();
        EXPECT_EQ(waiting.at, op::state::in_flight);
        return waiting;
    }

    // Ready, and kept from being delivered.
    op::operation& wait_ready(task& who, const op::operation_type& type = readable_type) {
        pipe.put();
        op::operation& waiting = wait(who, type);
        on.refuses = true;
        while (waiting.at != op::state::ready) {
            on.turn();
        }
        on.refuses = false;
        return waiting;
    }

    void expect_no_waits() {
        on.expect_nothing_left();
        EXPECT_EQ(on.loop.count().in_kernel, 0U);
        EXPECT_FALSE(on.loop.alive());
        EXPECT_EQ(out.reader, nullptr);
    }
};

ON_ALL_ENGINES(loop_test);

TEST_P(loop_test, arrow_7_a_delivered_record_can_be_waited_with_anew_under_another_name) {
    pipe.put();
    task& who = on.make("reader");
    op::operation& record = wait(who);
    const auto first = record.generation;
    who.then = [&](task& self) {
        self.then = nullptr;
        on.loop.reuse(record, readable_type);
        EXPECT_EQ(record.at, op::state::idle);
        aim_read(record, out);
        on.loop.queue(record);
    };
    on.run();
    EXPECT_EQ(who.times, 2);
    EXPECT_NE(record.generation, first);
    EXPECT_EQ(on.loop.records().find(record.slot, first), nullptr);
    expect_no_waits();
}

// --- leaving a wait that is dropped
// -----------------------------------------------------------

TEST_P(loop_test, arrow_8_leaving_a_queued_wait_drops_it) {
    task& who = on.make("reader");
    wait(who);
    on.leave(who);
    expect_no_waits();
    pipe.put();
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 0);
}

TEST_P(loop_test, arrow_9_leaving_a_wait_in_flight_takes_it_out_of_the_kernel) {
    task& who = on.make("reader");
    wait_in_flight(who);
    on.leave(who);
    expect_no_waits();
    pipe.put();
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 0);
}

TEST_P(loop_test, arrow_10_leaving_what_is_ready_drops_it) {
    task& who = on.make("reader");
    wait_ready(who);
    on.leave(who);
    expect_no_waits();
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 0);
}

TEST_P(loop_test, leaving_what_completed_in_the_kernel_just_now_drops_it) {
    task& who = on.make("reader");
    wait_in_flight(who);
    pipe.put();
    on.leave(who);
    expect_no_waits();
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 0);
}

TEST_P(loop_test, leaving_a_timer_or_a_zero_suspension_drops_it) {
    task& timer = on.make("timer");
    task& zero = on.make("zero");
    on.sleep(timer, clock.now + 1);
    on.pause(zero);
    on.leave(timer);
    on.leave(zero);
    expect_no_waits();
    clock.now += 2;
    on.turn();
    EXPECT_EQ(on.sequence(), "");
}

TEST_P(loop_test, one_delivery_may_leave_the_next_one_of_its_list) {
    task& second = on.make("second");
    task& first = on.make("first", [&](task&) { on.leave(second); });
    for (task* who : {&first, &second}) {
        op::operation& settled = on.reserve(*who, readable_type);
        settled.arm();
        on.loop.settle(settled, 0);
    }
    on.turn();
    EXPECT_EQ(on.sequence(), "first");
    expect_no_waits();
}

// --- leaving an operation that goes on
// --------------------------------------------------------

TEST_P(loop_test, arrows_11_13_14_what_is_left_while_queued_goes_on_unseen) {
    task& who = on.make("writer");
    op::operation& going = wait(who, lasting_type);
    on.leave(who);
    EXPECT_EQ(going.at, op::state::detached_queued);
    EXPECT_EQ(on.loop.count().awaiting, 0U);
    EXPECT_EQ(on.loop.count().going_on, 1U);
    EXPECT_TRUE(on.loop.alive());
    on.turn_without_waiting();
    EXPECT_EQ(going.at, op::state::detached);
    pipe.put();
    on.run();
    EXPECT_EQ(who.times, 0);
    expect_no_waits();
}

TEST_P(loop_test, arrow_12_what_is_left_in_flight_goes_on_unseen) {
    task& who = on.make("writer");
    op::operation& going = wait_in_flight(who, lasting_type);
    on.leave(who);
    EXPECT_EQ(going.at, op::state::detached);
    pipe.put();
    on.run();
    EXPECT_EQ(who.times, 0);
    expect_no_waits();
}

TEST_P(loop_test, what_is_left_when_ready_has_nothing_to_go_on_with) {
    task& who = on.make("writer");
    wait_ready(who, lasting_type);
    on.leave(who);
    expect_no_waits();
}

TEST_P(loop_test, arrow_15_a_detached_operation_that_is_settled_while_queued_ends) {
    task& who = on.make("writer");
    op::operation& going = wait(who, lasting_type);
    on.leave(who);
    on.loop.settle(going, -ECANCELED);
    expect_no_waits();
}

// --- pulling
// ------------------------------------------------------------------------------------

TEST_P(loop_test, arrow_4_pulling_works_from_queued) {
    task& who = on.make("reader");
    op::operation& waiting = wait(who);
    on.loop.pull(waiting, -ECANCELED);
    EXPECT_EQ(waiting.at, op::state::ready);
    on.deliver_now(&waiting);
    EXPECT_EQ(who.result, -ECANCELED);
    expect_no_waits();
}

TEST_P(loop_test, pulling_works_from_in_flight) {
    task& who = on.make("reader");
    op::operation& waiting = wait_in_flight(who);
    on.loop.pull(waiting, -ECANCELED);
    EXPECT_EQ(on.loop.count().in_kernel, 0U);
    on.deliver_now(&waiting);
    EXPECT_EQ(who.result, -ECANCELED);
    expect_no_waits();
}

TEST_P(loop_test, pulling_what_completed_just_now_still_gives_the_pullers_result) {
    task& who = on.make("reader");
    op::operation& waiting = wait_in_flight(who);
    pipe.put();
    on.loop.pull(waiting, -ECANCELED);
    EXPECT_FALSE(waiting.linked());
    on.deliver_now(&waiting);
    EXPECT_EQ(who.result, -ECANCELED);
    EXPECT_EQ(who.times, 1);
    on.turn_without_waiting();
    expect_no_waits();
}

TEST_P(loop_test, pulling_works_from_ready_and_from_the_timers) {
    task& reader = on.make("reader");
    op::operation& ready = wait_ready(reader);
    on.loop.pull(ready, -ECANCELED);
    on.deliver_now(&ready);
    task& timer = on.make("timer");
    on.sleep(timer, clock.now + 5);
    op::operation& timed = *timer.waits_in;
    on.loop.pull(timed, -ECANCELED);
    on.deliver_now(&timed);
    EXPECT_EQ(reader.result, -ECANCELED);
    EXPECT_EQ(timer.result, -ECANCELED);
    expect_no_waits();
}

TEST_P(loop_test, a_delayed_operation_waits_for_its_moment) {
    task& who = on.make("acceptor");
    op::operation& waiting = on.reserve(who, readable_type);
    waiting.arm();
    ASSERT_TRUE(on.loop.reserve_timer());
    on.loop.delay(waiting, clock.now + 10);
    EXPECT_FALSE(waiting.in_kernel());
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 0);
    clock.now += 10;
    on.turn();
    EXPECT_EQ(who.times, 1);
    expect_no_waits();
}

// --- the end
// --------------------------------------------------------------------------------

TEST_P(loop_test, closing_takes_everything_back_and_delivers_nothing) {
    task& who = on.make("nobody");
    wait_in_flight(who);
    std::array<pipe_ends, 3> pipes;
    std::array<op::descriptor, 3> ends;
    for (std::size_t at = 0; at < ends.size(); ++at) {
        ends[at].fd = pipes[at].out.get();
        op::operation& waiting =
            on.reserve(on.make("other"), at == 0 ? lasting_type : readable_type);
        aim_read(waiting, ends[at]);
        on.loop.queue(waiting);
        if (at == 0) {
            on.loop.leave(waiting);
        }
    }
    on.sleep(on.make("timer"), clock.now + 1);
    on.pause(on.make("zero"));
    ASSERT_TRUE(on.loop.open_mailbox());
    counted_source silent;
    const pipe_ends unread;
    ASSERT_TRUE(on.loop.watch(unread.out.get(), silent));
    on.loop.flush();
    EXPECT_TRUE(on.loop.close());
    EXPECT_EQ(on.loop.count().in_kernel, 0U);
    EXPECT_EQ(on.sequence(), "");
}

TEST_P(loop_test, flush_hands_over_what_is_queued_and_delivers_nothing) {
    kernel::socket_pair sockets = kernel::local_pair();
    std::deque<op::descriptor> ends;
    std::deque<sent_bytes> sent;
    std::string expected;
    for (int at = 0; at < 10; ++at) { // more than a tiny ring takes at once
        op::operation& write = on.reserve(on.make("writer"), one_send_type);
        ends.emplace_back().fd = sockets.left.get();
        aim_send(write, ends.back(), sent.emplace_back(sent_bytes{"byte", 4}));
        on.loop.queue(write);
        expected += "byte";
        on.loop.flush();
        on.loop.forget(ends.back());
    }
    std::array<char, 64> room{};
    const ssize_t got = ::recv(sockets.right.get(), room.data(), room.size(), MSG_DONTWAIT);
    EXPECT_EQ(std::string(room.data(), got > 0 ? static_cast<std::size_t>(got) : 0U), expected);
    EXPECT_EQ(on.sequence(), "");
    EXPECT_EQ(on.loop.count().awaiting, 10U);
    on.run();
    on.expect_nothing_left();
}

TEST_P(loop_test, every_record_in_use_is_visited) {
    wait(on.make("one"));
    on.pause(on.make("two"));
    int visited = 0;
    on.loop.for_each_operation([&](op::operation&) { ++visited; });
    EXPECT_EQ(visited, 2);
}

TEST_P(loop_test, a_companion_ends_when_it_is_dismissed_or_when_the_loop_closes) {
    on.loop.adopt(parting);
    on.loop.adopt(staying);
    on.loop.dismiss(parting);
    EXPECT_EQ(parting.ends, 0) << "not from inside the engine";
    on.turn();
    EXPECT_EQ(parting.ends, 1);
    EXPECT_EQ(staying.ends, 0);
    EXPECT_TRUE(on.loop.close());
    EXPECT_EQ(staying.ends, 1);
    EXPECT_EQ(parting.ends, 1);
}

// A run ends with the turn that ends its last operation: no other turn may come to do
// it.
TEST_P(loop_test, a_companion_dismissed_in_a_turn_ends_in_it) {
    on.loop.adopt(parting);
    on.pause(on.make("zero", [&](task&) { on.loop.dismiss(parting); }));
    on.run();
    EXPECT_EQ(parting.ends, 1);
}

// --- other threads and other sources
// ----------------------------------------------------------

struct note : base::mail {
    host* to;
    int arrivals = 0;

    explicit note(host& reader) : to{&reader} {
        open = [](base::mail& self, void* recipient) noexcept {
            auto& opened = static_cast<note&>(self);
            EXPECT_EQ(recipient, &opened.to->loop);
            ++opened.arrivals;
            opened.to->order.emplace_back("letter");
        };
    }
};

TEST_P(loop_test, a_letter_from_another_thread_wakes_a_sleeping_turn) {
    ASSERT_TRUE(on.loop.open_mailbox());
    ASSERT_TRUE(on.loop.open_mailbox()) << "asking again changes nothing";
    wait(on.make("idle")); // there is something to wait for
    for (int round = 1; round <= 3; ++round) {
        note letter{on};
        std::thread poster{[&] { on.loop.mailbox().post(letter); }};
        on.turn_until([&] { return letter.arrivals > 0; });
        poster.join();
        EXPECT_EQ(letter.arrivals, 1);
    }
}

TEST_P(loop_test, letters_are_opened_in_the_order_of_posting_before_events) {
    ASSERT_TRUE(on.loop.open_mailbox());
    pipe.put();
    wait(on.make("event"));
    note first{on};
    note second{on};
    on.loop.mailbox().post(first);
    on.loop.mailbox().post(second);
    on.turn_until([&] { return on.order.size() >= 3; });
    if (GetParam().wish.ring_entries > 1) {
        EXPECT_EQ(on.sequence(), "letter letter event");
    }
    EXPECT_EQ(first.arrivals + second.arrivals, 2);
}

TEST_P(loop_test, a_source_is_told_while_its_descriptor_is_readable) {
    const pipe_ends signal;
    counted_source watched;
    ASSERT_TRUE(on.loop.watch(signal.out.get(), watched));
    wait(on.make("idle"));
    for (int round = 1; round <= 3; ++round) {
        const int before = watched.told;
        std::thread sender{[&] { signal.put(); }};
        on.turn_until([&] { return watched.told > before; }); // sleeps between
        sender.join();
        on.turn_until([&] { return watched.told > before + 1; });
        signal.take();
    }
    on.loop.unwatch(signal.out.get());
    const int before = watched.told;
    signal.put();
    on.turn_without_waiting();
    EXPECT_EQ(watched.told, before);
}

TEST_P(loop_test, a_source_may_end_others_that_are_ready_too) {
    const std::array<pipe_ends, 3> signals;

    struct ending_source : loop::source {
        loop::loop* on;
        const std::array<pipe_ends, 3>* all;
        int told = 0;
    };

    ending_source first;
    first.on = &on.loop;
    first.all = &signals;
    first.readable = [](loop::source& self) noexcept {
        auto& mine = static_cast<ending_source&>(self);
        ++mine.told;
        for (const pipe_ends& each : *mine.all) {
            mine.on->unwatch(each.out.get());
        }
    };
    for (const pipe_ends& each : signals) {
        ASSERT_TRUE(on.loop.watch(each.out.get(), first));
        each.put();
    }
    wait(on.make("idle"));
    on.turn_until([&] { return first.told > 0; });
    on.turn_without_waiting();
    EXPECT_EQ(first.told, 1);
}

TEST_P(loop_test, mailbox_and_sources_are_both_heard) {
    ASSERT_TRUE(on.loop.open_mailbox());
    const pipe_ends signal;
    counted_source silent;
    ASSERT_TRUE(on.loop.watch(signal.out.get(), silent));
    wait(on.make("idle"));
    note letter{on};
    std::thread sender{[&] { on.loop.mailbox().post(letter); }};
    on.turn_until([&] { return letter.arrivals == 1; });
    sender.join();
    EXPECT_EQ(silent.told, 0);
}

TEST_P(loop_test, a_loop_moves_to_another_thread_only_when_nothing_is_in_the_kernel) {
    EXPECT_TRUE(on.loop.adopt_thread());
    wait_in_flight(on.make("reader"));
    bool there = true;
    std::thread{[&] { there = on.loop.adopt_thread(); }}.join();
    EXPECT_EQ(there, !on_ring()) << "a ring is its thread's, an epoll set anybody's";
    EXPECT_TRUE(on.loop.adopt_thread());
    EXPECT_TRUE(on.loop.belongs_here());
}

TEST_P(loop_test, a_mailbox_keeps_nobody_in_his_thread_and_moves_along) {
    ASSERT_TRUE(on.loop.open_mailbox());
    counted_source watched;
    const pipe_ends signal;
    ASSERT_TRUE(on.loop.watch(signal.out.get(), watched));
    note letter{on};
    on.loop.mailbox().post(letter);
    wait(on.make("event"));
    pipe.put();
    on.turn_until([&] { return letter.arrivals == 1 && on.order.size() == 2; });
    EXPECT_EQ(on.loop.count().in_kernel, 0U);
    std::thread{[&] {
        EXPECT_TRUE(on.loop.adopt_thread());
        wait(on.make("idle"));
        on.loop.mailbox().post(letter);
        on.turn_until([&] { return letter.arrivals == 2; });
        EXPECT_TRUE(on.loop.close());
    }}.join();
}

TEST_P(loop_test, an_idle_loop_works_in_another_thread) {
    std::thread{[&] {
        EXPECT_TRUE(on.loop.adopt_thread());
        EXPECT_TRUE(on.loop.belongs_here());
        on.pause(on.make("zero"));
        pipe.put();
        wait(on.make("event"));
        on.run();
        EXPECT_TRUE(on.loop.close());
    }}.join();
    EXPECT_EQ(on.sequence(), "zero event");
    on.expect_nothing_left();
}

} // namespace
