// Goal: whatever is queued reaches the kernel and is reported once, on rings far too small for
// it; what is withdrawn has left the kernel when the call returns; a ring is its thread's.
// Method: polls on pipes and sends on sockets by hand, without a loop, on rings of 1, 2 and
// 256.
#include "base/clock.hpp"
#include "kernel/sockets.hpp"
#include "proactor/ring_engine.hpp"
#include "unit/support/engines.hpp"
#include "unit/support/pipes.hpp"
#include "unit/support/recording_sink.hpp"
#include "unit/support/ticking.hpp"

#include <cerrno>
#include <deque>
#include <string>
#include <thread>

namespace {

using namespace coring;
using namespace coring::support;

class ring_engine_test : public on_an_engine {
protected:
    workbench bench;
    proactor::ring_engine engine{bench.records};

    void SetUp() override {
        const auto opened = engine.open(GetParam().wish.ring_entries);
        SKIP_IF_REFUSED(opened);
    }

    void TearDown() override { EXPECT_TRUE(engine.withdraw_all(bench.sink)); }

    op::entry enter(std::int64_t timeout_ns) {
        return engine.enter(bench.queued, bench.sink, timeout_ns);
    }

    // Enters until `count` completions were reported.
    void expect_completions(std::size_t count) {
        while (bench.sink.completions.size() < count) {
            enter(long_ns);
        }
        EXPECT_EQ(bench.sink.completions.size(), count);
    }

    void expect_exact_count(kernel::socket_pair sockets) {
        const std::string bytes(8 << 20, 'x'); // more than any buffer holds
        op::descriptor left = at(sockets.left);
        op::operation& write = bench.send(left, bytes);
        enter(0);
        ASSERT_EQ(write.at, op::state::in_flight);
        engine.withdraw(write, bench.sink);
        const int count = bench.sink.answer_of(write).value_or(0);
        EXPECT_GT(count, 0);
        sockets.left.reset();
        EXPECT_EQ(kernel::read_to_end(sockets.right.get()), static_cast<std::size_t>(count));
    }

    static op::descriptor at(const base::unique_fd& fd) {
        op::descriptor made;
        made.fd = fd.get();
        return made;
    }
};

INSTANTIATE_TEST_SUITE_P(each,
                         ring_engine_test,
                         ::testing::Values(roomy_ring, ring_of_two, ring_of_one),
                         name_of_setup);

TEST_P(ring_engine_test, arrows_2_and_3_a_poll_is_submitted_and_completes) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    op::operation& read = bench.read(out);
    enter(0);
    EXPECT_EQ(read.at, op::state::in_flight);
    EXPECT_EQ(engine.in_kernel(), 1U);
    pipe.put();
    expect_completions(1);
    EXPECT_EQ(read.at, op::state::ready);
    EXPECT_EQ(engine.in_kernel(), 0U);
}

TEST_P(ring_engine_test, it_sleeps_no_longer_than_it_may) {
    const std::uint64_t begun = base::monotonic_ns();
    EXPECT_EQ(enter(soon_ns), op::entry::done);
    EXPECT_GE(base::monotonic_ns() - begun, static_cast<std::uint64_t>(soon_ns));
}

TEST_P(ring_engine_test, many_more_operations_than_entries_all_complete_once) {
    constexpr std::size_t many = 100;
    std::deque<pipe_ends> pipes(many);
    std::deque<op::descriptor> ends;
    for (const pipe_ends& pipe : pipes) {
        ends.push_back(at(pipe.out));
        bench.read(ends.back());
    }
    for (int tries = 0; tries < 1000 && !bench.queued.empty(); ++tries) {
        enter(0);
    }
    EXPECT_TRUE(bench.queued.empty());
    EXPECT_EQ(engine.in_kernel(), many);
    for (const pipe_ends& pipe : pipes) {
        pipe.put();
    }
    expect_completions(many); // four completions fit a ring of one: the rest overflows
    EXPECT_EQ(engine.in_kernel(), 0U);
}

TEST_P(ring_engine_test, operations_that_complete_at_once_all_complete_once) {
    const pipe_ends pipe;
    pipe.put();
    std::deque<op::descriptor> ends(100, at(pipe.out));
    for (op::descriptor& end : ends) {
        bench.read(end);
    }
    expect_completions(ends.size());
}

// On a ring of one the first poll is reported while the second is still to be handed over.
TEST_P(ring_engine_test, it_does_not_sleep_on_what_it_has_reported) {
    const pipe_ends full;
    const pipe_ends empty;
    full.put();
    op::descriptor now = at(full.out);
    op::descriptor never = at(empty.out);
    op::operation& first = bench.read(now);
    bench.read(never);
    bench.read(never);
    const std::uint64_t begun = base::monotonic_ns();
    enter(3'000'000'000);
    EXPECT_LT(base::monotonic_ns() - begun, 2'000'000'000U);
    EXPECT_TRUE(bench.sink.answer_of(first).has_value());
}

TEST_P(ring_engine_test, a_withdrawn_poll_is_out_of_the_kernel_at_once) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    op::operation& read = bench.read(out);
    enter(0);
    engine.withdraw(read, bench.sink);
    EXPECT_EQ(bench.sink.answer_of(read), -ECANCELED);
    EXPECT_EQ(engine.in_kernel(), 0U);
    pipe.put();
    enter(0);
    EXPECT_EQ(bench.sink.completions.size(), 1U);
}

TEST_P(ring_engine_test, withdrawing_what_has_just_completed_reports_it_once) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    op::operation& read = bench.read(out);
    enter(0);
    pipe.put(); // its task work waits for the next entry
    engine.withdraw(read, bench.sink);
    EXPECT_EQ(read.at, op::state::ready);
    EXPECT_EQ(bench.sink.completions.size(), 1U);
    EXPECT_EQ(engine.in_kernel(), 0U);
}

TEST_P(ring_engine_test, withdrawing_one_leaves_the_others) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    op::operation& first = bench.read(out);
    op::operation& second = bench.read(out);
    enter(0);
    engine.withdraw(first, bench.sink);
    EXPECT_EQ(bench.sink.answer_of(second), std::nullopt);
    pipe.put();
    expect_completions(2);
    EXPECT_GT(bench.sink.answer_of(second).value_or(-1), 0);
}

TEST_P(ring_engine_test, a_withdrawn_tcp_send_reports_exactly_the_bytes_the_peer_gets) {
    expect_exact_count(kernel::tcp_pair());
}

TEST_P(ring_engine_test, a_withdrawn_local_send_reports_exactly_the_bytes_the_peer_gets) {
    expect_exact_count(kernel::local_pair());
}

TEST_P(ring_engine_test, a_withdrawn_send_that_could_not_begin_reports_no_bytes) {
    kernel::socket_pair sockets = kernel::local_pair();
    const std::string bytes(8 << 20, 'x');
    std::size_t filled = 0;
    for (ssize_t sent = 0; sent >= 0;
         sent = ::send(sockets.left.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) {
        filled += static_cast<std::size_t>(sent);
    }
    op::descriptor left = at(sockets.left);
    op::operation& write = bench.send(left, bytes);
    enter(0);
    engine.withdraw(write, bench.sink);
    EXPECT_EQ(bench.sink.answer_of(write), -ECANCELED);
    sockets.left.reset();
    EXPECT_EQ(kernel::read_to_end(sockets.right.get()), filled);
}

TEST_P(ring_engine_test, a_watch_reports_again_and_again) {
    const pipe_ends pipe;
    ASSERT_EQ(engine.watch(pipe.out.get(), 1), 0);
    enter(soon_ns);
    EXPECT_FALSE(bench.sink.heard_of(1));
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(engine.in_kernel(), 0U) << "a watch is no operation";
        pipe.put();
        bench.sink.watches.clear();
        while (!bench.sink.heard_of(1)) {
            enter(long_ns);
        }
        pipe.take();
        enter(0);
        bench.sink.watches.clear();
        enter(soon_ns);
        EXPECT_FALSE(bench.sink.heard_of(1)) << "it was silenced";
    }
}

// On a ring of one they compete for its only entry.
TEST_P(ring_engine_test, a_watch_that_fires_at_once_does_not_keep_operations_out) {
    const pipe_ends noisy;
    const pipe_ends pipe;
    noisy.put();
    pipe.put();
    ASSERT_EQ(engine.watch(noisy.out.get(), 0), 0);
    op::descriptor out = at(pipe.out);
    bench.read(out);
    bench.read(out);
    expect_completions(2);
    while (!bench.sink.heard_of(0)) {
        enter(long_ns);
    }
}

TEST_P(ring_engine_test, all_four_watches_are_told_apart) {
    const std::array<pipe_ends, 4> pipes;
    for (unsigned which = 0; which < pipes.size(); ++which) {
        ASSERT_EQ(engine.watch(pipes[which].out.get(), which), 0);
    }
    for (unsigned which = 0; which < pipes.size(); ++which) {
        pipes[which].put();
        while (!bench.sink.heard_of(which)) {
            enter(long_ns);
        }
        pipes[which].take();
    }
}

// The kernel answers an entry that submitted something with how much, whatever ended the sleep.
TEST_P(ring_engine_test, a_signal_that_ends_a_sleep_is_told_also_if_the_entry_submitted) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    const ticking signals;
    EXPECT_EQ(enter(long_ns), op::entry::interrupted);
    bench.read(out);
    EXPECT_EQ(enter(long_ns), op::entry::interrupted);
    bench.read(out);
    EXPECT_EQ(enter(op::no_deadline), op::entry::interrupted);
}

TEST_P(ring_engine_test, a_sleep_that_ends_at_its_limit_is_not_interrupted) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    bench.read(out);
    EXPECT_EQ(enter(soon_ns), op::entry::done);
}

TEST_P(ring_engine_test, withdraw_all_takes_operations_and_watches_back) {
    const pipe_ends pipe;
    kernel::socket_pair sockets = kernel::local_pair();
    const std::string bytes(8 << 20, 'x');
    op::descriptor out = at(pipe.out);
    op::descriptor left = at(sockets.left);
    ASSERT_EQ(engine.watch(pipe.out.get(), 0), 0);
    op::operation& read = bench.read(out);
    op::operation& write = bench.send(left, bytes);
    while (!bench.queued.empty() || engine.in_kernel() < 2) {
        enter(0);
    }
    EXPECT_TRUE(engine.withdraw_all(bench.sink));
    EXPECT_EQ(engine.in_kernel(), 0U);
    EXPECT_EQ(bench.sink.answer_of(read), -ECANCELED);
    EXPECT_TRUE(bench.sink.answer_of(write).has_value());
    EXPECT_TRUE(bench.sink.watches.empty());
}

TEST_P(ring_engine_test, arrows_12_and_14_a_detached_operation_ends_without_a_waiter) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    op::operation& read = bench.read(out);
    enter(0);
    read.detach();
    pipe.put();
    expect_completions(1);
    EXPECT_EQ(read.at, op::state::idle);
}

TEST_P(ring_engine_test, arrow_13_a_queued_operation_that_was_detached_is_submitted) {
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    op::operation& read = bench.read(out);
    read.detach();
    enter(0);
    EXPECT_EQ(read.at, op::state::detached);
    pipe.put();
    expect_completions(1);
}

TEST_P(ring_engine_test, a_failing_descriptor_is_an_answer) {
    op::descriptor closed;
    closed.fd = 1'000'000;
    op::operation& read = bench.read(closed);
    expect_completions(1);
    EXPECT_EQ(bench.sink.answer_of(read), -EBADF);
}

TEST_P(ring_engine_test, it_belongs_to_the_thread_that_opened_it) {
    EXPECT_TRUE(engine.belongs_here());
    bool there = true;
    std::thread{[&] { there = engine.belongs_here(); }}.join();
    EXPECT_FALSE(there);
    EXPECT_STREQ(engine.name(), "uring");
}

using ring_engine_death_test = ring_engine_test;

TEST_P(ring_engine_death_test, another_thread_cannot_withdraw) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const pipe_ends pipe;
    op::descriptor out = at(pipe.out);
    op::operation& read = bench.read(out);
    enter(0);
    EXPECT_DEATH({ std::thread{[&] { engine.withdraw(read, bench.sink); }}.join(); },
                 "belongs_here");
}

INSTANTIATE_TEST_SUITE_P(each,
                         ring_engine_death_test,
                         ::testing::Values(ring_of_one),
                         name_of_setup);

} // namespace
