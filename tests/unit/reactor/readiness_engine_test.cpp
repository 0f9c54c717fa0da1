// Goal: without a ring, operations wait for readiness and are answered once; a descriptor
// enters the set once, and what it was told last is remembered until somebody finds it untrue.
// Method: socket pairs driven by hand, without a loop; the descriptor's own bits are looked at.
#include "base/clock.hpp"
#include "kernel/sockets.hpp"
#include "reactor/readiness_engine.hpp"
#include "unit/support/guarded.hpp"
#include "unit/support/pipes.hpp"
#include "unit/support/recording_sink.hpp"
#include "unit/support/ticking.hpp"

#include <cerrno>
#include <string>

namespace {

using namespace coring;
using namespace coring::support;

class readiness_engine_test : public guarded {
protected:
    workbench bench;
    reactor::readiness_engine engine;
    kernel::socket_pair sockets = kernel::local_pair();
    op::descriptor left;

    void SetUp() override {
        ASSERT_TRUE(engine.open());
        left.fd = sockets.left.get();
    }

    op::entry enter(std::int64_t timeout_ns) {
        return engine.enter(bench.queued, bench.sink, timeout_ns);
    }

    void peer_sends(std::string_view bytes) {
        ASSERT_EQ(::send(sockets.right.get(), bytes.data(), bytes.size(), 0),
                  static_cast<ssize_t>(bytes.size()));
    }

    // Until the system takes no more.
    std::size_t fill() {
        const std::string bytes(1 << 20, 'x');
        std::size_t total = 0;
        for (ssize_t sent = 0; sent >= 0;
             sent = ::send(left.fd, bytes.data(), bytes.size(), MSG_DONTWAIT)) {
            total += static_cast<std::size_t>(sent);
        }
        return total;
    }

    // As the delivery of a read does once it got less than it asked for.
    void take_all() {
        std::array<char, 65536> room{};
        while (::recv(left.fd, room.data(), room.size(), MSG_DONTWAIT) > 0) {
        }
        left.drained();
    }
};

TEST_F(readiness_engine_test, arrows_2_and_3_a_read_waits_until_bytes_come) {
    op::operation& read = bench.read(left);
    enter(0);
    EXPECT_EQ(read.at, op::state::in_flight);
    EXPECT_EQ(engine.in_kernel(), 1U);
    peer_sends("x");
    enter(long_ns);
    EXPECT_EQ(read.at, op::state::ready);
    EXPECT_EQ(bench.sink.answer_of(read), 0);
    EXPECT_EQ(engine.in_kernel(), 0U);
    EXPECT_STREQ(engine.name(), "epoll");
}

TEST_F(readiness_engine_test, readiness_is_remembered_until_it_is_found_untrue) {
    peer_sends("x");
    bench.read(left);
    enter(long_ns);
    EXPECT_TRUE(left.readable);
    op::operation& second = bench.read(left); // nothing was taken: no new event will come
    enter(0);
    EXPECT_EQ(second.at, op::state::ready);
    take_all();
    EXPECT_FALSE(left.readable);
    op::operation& third = bench.read(left);
    enter(0);
    EXPECT_EQ(third.at, op::state::in_flight);
    peer_sends("y");
    enter(long_ns);
    EXPECT_EQ(third.at, op::state::ready);
}

TEST_F(readiness_engine_test, a_descriptor_enters_the_set_once) {
    for (int round = 0; round < 3; ++round) {
        op::operation& read = bench.read(left);
        enter(0);
        EXPECT_TRUE(left.registered);
        EXPECT_FALSE(bench.sink.answer_of(read) == -EEXIST);
        peer_sends("x");
        enter(long_ns);
        EXPECT_EQ(bench.sink.answer_of(read), 0);
        take_all();
    }
}

TEST_F(readiness_engine_test, a_send_is_tried_at_once) {
    op::operation& write = bench.send(left, "bytes");
    enter(0);
    EXPECT_EQ(bench.sink.answer_of(write), 5);
    std::array<char, 8> room{};
    EXPECT_EQ(::recv(sockets.right.get(), room.data(), room.size(), MSG_DONTWAIT), 5);
}

TEST_F(readiness_engine_test, a_send_waits_for_room) {
    const std::size_t before = fill();
    op::operation& write = bench.send(left, "bytes");
    enter(0);
    EXPECT_EQ(write.at, op::state::in_flight);
    EXPECT_FALSE(left.writable);
    std::string taken(before, '\0');
    ASSERT_EQ(::recv(sockets.right.get(), taken.data(), before, MSG_WAITALL),
              static_cast<ssize_t>(before));
    enter(long_ns);
    EXPECT_EQ(bench.sink.answer_of(write), 5);
}

TEST_F(readiness_engine_test, reading_and_writing_wait_side_by_side) {
    static_cast<void>(fill());
    op::operation& write = bench.send(left, "bytes");
    op::operation& read = bench.read(left);
    enter(0);
    EXPECT_EQ(engine.in_kernel(), 2U);
    peer_sends("x");
    enter(long_ns);
    EXPECT_EQ(read.at, op::state::ready);
    EXPECT_EQ(write.at, op::state::in_flight);
    engine.withdraw(write, bench.sink);
}

TEST_F(readiness_engine_test, the_end_of_the_stream_is_readable_and_stays_so) {
    op::operation& read = bench.read(left);
    enter(0);
    sockets.right.reset();
    enter(long_ns);
    EXPECT_EQ(read.at, op::state::ready);
    EXPECT_TRUE(left.hung_up);
    take_all();
    EXPECT_TRUE(left.readable);
    op::operation& again = bench.read(left);
    enter(0);
    EXPECT_EQ(again.at, op::state::ready);
}

TEST_F(readiness_engine_test, a_hang_up_ends_a_send_that_waits) {
    static_cast<void>(fill());
    op::operation& write = bench.send(left, "bytes");
    enter(0);
    sockets.right.reset();
    enter(long_ns);
    EXPECT_EQ(bench.sink.answer_of(write), -EPIPE);
}

TEST_F(readiness_engine_test, half_an_end_leaves_the_other_half) {
    static_cast<void>(fill());
    op::operation& write = bench.send(left, "bytes");
    op::operation& read = bench.read(left);
    enter(0);
    ASSERT_EQ(::shutdown(sockets.right.get(), SHUT_WR), 0);
    enter(long_ns);
    EXPECT_EQ(read.at, op::state::ready);
    EXPECT_EQ(write.at, op::state::in_flight);
    engine.withdraw(write, bench.sink);
}

TEST_F(readiness_engine_test, what_was_withdrawn_is_not_reported) {
    op::operation& read = bench.read(left);
    enter(0);
    engine.withdraw(read, bench.sink);
    EXPECT_EQ(engine.in_kernel(), 0U);
    read.drop_in_flight(); // arrow 9
    left.reader = nullptr;
    peer_sends("x");
    enter(0);
    EXPECT_TRUE(bench.sink.completions.empty());
    EXPECT_TRUE(left.readable) << "the event that nobody waited for is remembered";
}

TEST_F(readiness_engine_test, a_forgotten_descriptor_leaves_the_set_though_a_duplicate_lives) {
    bench.read(left);
    peer_sends("x");
    enter(long_ns);
    left.reader = nullptr;
    const base::unique_fd duplicate{::dup(left.fd)};
    engine.forget(left);
    EXPECT_FALSE(left.registered || left.readable || left.writable || left.hung_up);
    sockets.left.reset();
    peer_sends("y");
    enter(soon_ns);
    EXPECT_FALSE(left.readable) << "an event came for a descriptor that was closed";
}

TEST_F(readiness_engine_test, a_number_that_is_reused_starts_afresh) {
    bench.read(left);
    peer_sends("x");
    enter(long_ns);
    left.reader = nullptr;
    engine.forget(left);
    sockets = kernel::local_pair();
    left.fd = sockets.left.get();
    op::operation& read = bench.read(left);
    enter(0);
    EXPECT_EQ(read.at, op::state::in_flight);
    peer_sends("y");
    enter(long_ns);
    EXPECT_EQ(read.at, op::state::ready);
}

TEST_F(readiness_engine_test, events_follow_a_descriptor_that_moved) {
    op::operation& read = bench.read(left);
    enter(0);
    op::descriptor moved = left;
    read.target = &moved;
    left = op::descriptor{}; // its old place means nothing any more
    engine.moved(moved);
    peer_sends("x");
    enter(long_ns);
    EXPECT_EQ(read.at, op::state::ready);
    EXPECT_TRUE(moved.readable);
    EXPECT_FALSE(left.readable);
}

TEST_F(readiness_engine_test, what_cannot_be_polled_is_an_answer) {
    const base::unique_fd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    op::descriptor regular;
    regular.fd = file.get();
    op::operation& read = bench.read(regular);
    enter(long_ns);
    EXPECT_EQ(bench.sink.answer_of(read), -EPERM);
    EXPECT_EQ(engine.in_kernel(), 0U);
    EXPECT_FALSE(regular.registered);
}

TEST_F(readiness_engine_test, it_does_not_sleep_on_what_it_has_reported) {
    bench.send(left, "bytes");
    const std::uint64_t begun = base::monotonic_ns();
    enter(long_ns);
    EXPECT_LT(base::monotonic_ns() - begun, static_cast<std::uint64_t>(long_ns) / 2);
    EXPECT_EQ(bench.sink.completions.size(), 1U);
}

TEST_F(readiness_engine_test, a_watch_reports_until_it_is_silenced) {
    const pipe_ends pipe;
    ASSERT_EQ(engine.watch(pipe.out.get(), 2), 0);
    enter(soon_ns);
    EXPECT_TRUE(bench.sink.watches.empty());
    pipe.put();
    for (std::size_t times = 1; times < 4; ++times) {
        enter(long_ns);
        EXPECT_EQ(bench.sink.watches.size(), times);
    }
    pipe.take();
    enter(soon_ns);
    EXPECT_EQ(bench.sink.watches.size(), 3U);
    EXPECT_TRUE(bench.sink.heard_of(2));
}

TEST_F(readiness_engine_test, a_signal_ends_the_sleep_and_is_told) {
    const ticking signals;
    bench.read(left);
    enter(0); // takes the event that tells the state at registration
    EXPECT_EQ(enter(long_ns), op::entry::interrupted);
    EXPECT_EQ(enter(op::no_deadline), op::entry::interrupted);
}

TEST_F(readiness_engine_test, withdraw_all_leaves_nothing_waiting) {
    bench.read(left);
    enter(0);
    EXPECT_TRUE(engine.withdraw_all(bench.sink));
    EXPECT_EQ(engine.in_kernel(), 0U);
    EXPECT_TRUE(engine.belongs_here());
}

using readiness_engine_death_test = readiness_engine_test;

TEST_F(readiness_engine_death_test, a_descriptor_with_a_waiter_cannot_be_forgotten) {
    bench.read(left);
    enter(0);
    EXPECT_DEATH(engine.forget(left), "is_waiting");
}

} // namespace
