// Goal: a stream can be closed with anything in flight: everybody is told, nothing is in the
// kernel, the peer sees the end, and no byte follows one that was cut off. A stream whose
// object is gone first finishes what was asked of it. Method: each kind of operation in flight
// or in line when close comes; a line of writers with room in the middle of nowhere; both
// engines.
#include "io/stream.hpp"
#include "unit/support/network.hpp"

namespace {

using namespace coring;
using namespace coring::support;

class stream_test : public networked {
protected:
    // Closes as the object does: the reader is resumed from inside.
    void close(endpoint& open) { on.deliver_now(io::close_stream(open)); }

    void expect_end_at(const base::unique_fd& peer) {
        EXPECT_NE(kernel::events_of(peer.get(), POLLIN, 10'000), 0);
        EXPECT_TRUE(bytes_at(peer).empty());
        char byte = 0;
        EXPECT_EQ(::recv(peer.get(), &byte, 1, MSG_DONTWAIT), 0);
    }
};

ON_ALL_ENGINES(stream_test);

TEST_P(stream_test, what_a_phase_refuses) {
    endpoint& ours = closed_stream();
    EXPECT_EQ(io::refuses_read(ours), ENOTCONN);
    EXPECT_EQ(io::refuses_write(ours), EPIPE);
    EXPECT_EQ(io::refuses_shutdown(ours), ENOTCONN);
    EXPECT_EQ(io::refuses_connect(ours), 0);
    ours.phase = io::stream_phase::connected;
    EXPECT_EQ(io::refuses_read(ours), 0);
    EXPECT_EQ(io::refuses_write(ours), 0);
    EXPECT_EQ(io::refuses_shutdown(ours), 0);
    EXPECT_EQ(io::refuses_connect(ours), EISCONN);
}

TEST_P(stream_test, closing_an_idle_stream_ends_it_for_the_peer_at_once) {
    auto [ours, peer] = connected();
    close(ours);
    EXPECT_FALSE(ours.is_open());
    expect_end_at(peer);
}

TEST_P(stream_test, closing_under_a_reader_hands_it_back_and_ends_the_stream_for_the_peer) {
    for (const bool in_flight : {false, true}) {
        auto [ours, peer] = connected();
        task& reader = read(ours);
        if (in_flight) {
            on.turn_without_waiting();
        }
        close(ours);
        EXPECT_EQ(reader.result, -ECANCELED) << "before close returns";
        expect_end_at(peer);
        on.expect_nothing_left();
        EXPECT_EQ(on.loop.count().in_kernel, 0U);
    }
}

TEST_P(stream_test, closing_under_a_reader_whose_bytes_are_there_hands_it_back_as_canceled) {
    auto [ours, peer] = connected();
    task& reader = read(ours);
    on.turn_without_waiting();
    ASSERT_EQ(::send(peer.get(), "x", 1, 0), 1);
    close(ours);
    EXPECT_EQ(reader.result, -ECANCELED);
    EXPECT_EQ(reader.times, 1);
    on.turn_without_waiting();
    EXPECT_EQ(reader.times, 1);
}

TEST_P(stream_test, closing_under_a_write_in_flight_cancels_it_in_the_next_turn) {
    auto [ours, peer] = connected();
    const std::string bytes = pattern(more_than_fits);
    task& writer = write(ours, bytes);
    on.turn_without_waiting();
    close(ours);
    EXPECT_EQ(writer.times, 0);
    EXPECT_EQ(on.loop.count().in_kernel, 0U);
    on.run();
    EXPECT_EQ(writer.result, -ECANCELED);
    const std::string got = everything_at(peer);
    EXPECT_LT(got.size(), bytes.size());
    EXPECT_TRUE(same(got, std::string_view{bytes}.substr(0, got.size())));
}

TEST_P(stream_test, a_write_and_then_close_in_the_same_turn_delivers_the_bytes) {
    auto [ours, peer] = connected();
    task* writer = nullptr;
    task* second = nullptr;
    in_a_busy_turn([&, &ours = ours] {
        writer = &write(ours, "last ");
        second = &write(ours, "words");
        close(ours);
    });
    on.run();
    EXPECT_EQ(writer->result, 0);
    EXPECT_EQ(second->result, 0);
    EXPECT_EQ(everything_at(peer), "last words");
}

TEST_P(stream_test, a_shutdown_in_line_behind_a_write_that_goes_out_is_done_by_close) {
    auto [ours, peer] = connected();
    task* ending = nullptr;
    in_a_busy_turn([&, &ours = ours] {
        write(ours, "bytes");
        ending = &shutdown(ours);
        close(ours);
    });
    on.run();
    EXPECT_EQ(ending->result, 0);
    EXPECT_EQ(everything_at(peer), "bytes");
}

TEST_P(stream_test, closing_ends_the_whole_line) {
    auto [ours, peer] = connected();
    const std::string bytes = pattern(more_than_fits);
    write(ours, bytes, io::source::stays, "1");
    write(ours, bytes, io::source::stays, "2");
    task& gone = write(ours, bytes, io::source::stays, "3");
    task& ending = shutdown(ours);
    on.turn_without_waiting();
    on.leave(gone);
    close(ours);
    on.run();
    EXPECT_EQ(on.sequence(), "1 2 shutdown");
    EXPECT_EQ(ending.result, -ECANCELED);
    on.expect_nothing_left();
}

// A local socket wakes its writer only when it is mostly empty: between that and full there is
// room for small writes while a large one still waits.
TEST_P(stream_test, no_byte_behind_a_cut_write_goes_out_though_there_is_room) {
    for (const bool abandoned : {false, true}) {
        auto [ours, peer] = connected_locally();
        const std::string large = pattern(more_than_fits);
        task& first = write(ours, large);
        write(ours, "tail");
        on.turn_without_waiting();
        if (abandoned) {
            on.leave(first);
            on.turn_without_waiting();
        }
        std::string got = bytes_at(peer, 40'000); // room, but no event
        close(ours);
        on.run();
        got += everything_at(peer);
        EXPECT_TRUE(same(got, std::string_view{large}.substr(0, got.size())));
        EXPECT_LT(got.size(), large.size());
    }
}

TEST_P(stream_test, a_stream_that_was_closed_can_be_opened_again) {
    auto [ours, peer] = connected();
    shutdown(ours);
    on.run();
    close(ours);
    kernel::socket_pair fresh = kernel::tcp_pair();
    io::adopt_descriptor(ours, fresh.left.release());
    EXPECT_EQ(io::refuses_read(ours), 0);
    task& reader = read(ours);
    ASSERT_EQ(::send(fresh.right.get(), "again", 5, 0), 5);
    finish(reader);
    EXPECT_EQ(ours.received, "again");
}

// --- streams without an object
// ------------------------------------------------------------------

TEST_P(stream_test, a_stream_without_abandoned_writes_is_closed_when_released) {
    auto [ours, peer] = connected();
    EXPECT_FALSE(io::outlives_object(ours));
    io::release_stream(ours);
    EXPECT_FALSE(ours.is_open());
    expect_end_at(peer);
}

TEST_P(stream_test, an_orphaned_stream_finishes_its_writes_and_then_closes) {
    const std::size_t before = open_descriptors();
    const std::string first = pattern(more_than_fits, 1);
    const std::string second = pattern(100'000, 2);
    auto [ours, peer] = connected();
    task& large = write(ours, first);
    task& small = write(ours, second);
    on.turn_without_waiting();
    on.leave(large);
    on.leave(small);
    ASSERT_TRUE(io::outlives_object(ours));
    io::release_stream(ours);
    EXPECT_FALSE(ours.is_open());
    ours.writer = nullptr; // its memory is gone, as it were
    EXPECT_TRUE(same(everything_at(peer), first + second));
    EXPECT_FALSE(on.loop.alive());
    peer.reset();
    EXPECT_EQ(open_descriptors(), before) << "the run has ended, and the descriptor is open";
}

TEST_P(stream_test, an_orphaned_connection_goes_on_connecting) {
    const base::unique_fd listener = kernel::tcp_listener();
    endpoint& ours = open_stream();
    task& connecting = connect(ours, kernel::port_of(listener));
    if (ours.phase != io::stream_phase::connecting) {
        GTEST_SKIP() << "connected during the call";
    }
    task& writer = write(ours, "from beyond");
    on.leave(connecting);
    on.leave(writer);
    io::release_stream(ours);
    on.run();
    const base::unique_fd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    EXPECT_EQ(everything_at(peer), "from beyond");
}

TEST_P(stream_test, an_orphaned_stream_whose_peer_goes_is_closed) {
    auto [ours, peer] = connected_locally();
    const std::string bytes = pattern(more_than_fits);
    task& writer = write(ours, bytes);
    on.turn_without_waiting();
    on.leave(writer);
    io::release_stream(ours);
    peer.reset();
    on.run();
    on.expect_nothing_left();
}

TEST_P(stream_test, closing_the_loop_closes_orphaned_streams) {
    auto [ours, peer] = connected();
    const std::string bytes = pattern(more_than_fits);
    task& writer = write(ours, bytes);
    on.turn_without_waiting();
    on.leave(writer);
    io::release_stream(ours);
    EXPECT_TRUE(on.loop.close());
    const std::string got = everything_at(peer);
    EXPECT_TRUE(same(got, std::string_view{bytes}.substr(0, got.size())));
    on.expect_nothing_left();
}

// A state that closes resumes nobody, and yet gives all memory back (the leak sanitizer looks).
TEST_P(stream_test, closing_the_loop_under_waiting_writes_leaks_nothing) {
    host closing{clock};
    ASSERT_TRUE(closing.loop.open(GetParam().wish));
    kernel::socket_pair sockets = kernel::tcp_pair();
    endpoint ours;
    ours.on = &closing.loop;
    io::adopt_descriptor(ours, sockets.left.release());
    const std::string bytes = pattern(more_than_fits);
    task& who = closing.make("write");
    for (const std::string_view each : {std::string_view{bytes}, std::string_view{"behind"}}) {
        op::operation& writing = closing.reserve(who, io::send_type);
        ASSERT_EQ(io::send_start(ours, writing, each, io::source::moves), 0);
    }
    closing.turn_without_waiting();
    io::drop_stream(ours);
    EXPECT_TRUE(closing.loop.close());
    EXPECT_EQ(who.times, 0);
}

} // namespace
