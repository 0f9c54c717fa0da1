// Goal: what the engine believes about synchronous cancels and closing (decisions 11, 12, 13).
// Method: a pending entry, then each order of cancel and close, looked at from the other side.
// That something does not happen is looked for over 20 ms; waiting longer could not fail it.
#include "kernel/mini_ring.hpp"
#include "kernel/sockets.hpp"

namespace {

using namespace coring::kernel; // NOLINT(google-build-using-namespace)

constexpr int a_while_ms = 20;

class cancel_fact : public ring_fact {};

class close_fact : public ring_fact {};

// A synchronous cancel has found its entry when it returns, but what ends the entry is work
// like any other, and a ring with deferred work does that only when events are fetched.
TEST_F(cancel_fact, on_a_deferring_ring_a_cancelled_poll_ends_when_events_are_fetched) {
    const socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_EQ(ring.cancel(7), 0);
    EXPECT_FALSE(ring.peek());
    EXPECT_TRUE(ring.says_fetch());
    EXPECT_GE(ring.fetch(), 0);
    const std::optional<completion> done = ring.peek();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->user_data, 7u);
    EXPECT_EQ(done->result, -ECANCELED);
}

// Since 6.14 or so one entry does 20 pieces of deferred work unless it waits for more, oldest
// first: who needs the end of a cancelled entry fetches for as long as the ring says so.
TEST_F(cancel_fact,
       fetching_as_long_as_the_ring_says_so_ends_a_cancelled_poll_among_many_events) {
    constexpr std::uint64_t last = mini_ring::entries;
    std::vector<socket_pair> pairs;
    for (std::uint64_t name = 1; name <= last; ++name) {
        pairs.push_back(local_pair());
        ring.add_poll(pairs.back().right.get(), POLLIN, name);
    }
    EXPECT_EQ(ring.submit(), static_cast<int>(last));
    for (std::uint64_t at = 0; at + 1 < last; ++at) {
        ASSERT_EQ(::send(pairs[at].left.get(), "x", 1, 0), 1);
    }
    EXPECT_EQ(ring.cancel(last), 0);
    std::uint64_t fetches = 0;
    while (ring.says_fetch() && fetches < last) {
        EXPECT_GE(ring.fetch(), 0);
        ++fetches;
    }
    bool ended = false;
    std::uint64_t completions = 0;
    while (const std::optional<completion> done = ring.peek()) {
        ended = ended || (done->user_data == last && done->result == -ECANCELED);
        ++completions;
    }
    EXPECT_TRUE(ended);
    EXPECT_EQ(completions, last);
    RecordProperty("fetches", static_cast<int>(fetches));
}

TEST_F(cancel_fact, one_entry_submits_an_asynchronous_cancel_and_fetches_its_effect) {
    const socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    io_uring_sqe& entry = ring.add(IORING_OP_ASYNC_CANCEL, -1, 8);
    entry.addr = 7;
    entry.flags = IOSQE_CQE_SKIP_SUCCESS;
    EXPECT_EQ(ring.submit_and_fetch(), 1);
    const std::optional<completion> done = ring.peek();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->user_data, 7u);
    EXPECT_EQ(done->result, -ECANCELED);
    EXPECT_FALSE(ring.peek()); // a cancel that succeeded says nothing itself
}

TEST(plain_cancel_fact, on_a_ring_without_deferred_work_a_cancelled_poll_is_visible_at_once) {
    mini_ring ring{IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN};
    if (ring.error() != 0) {
        GTEST_SKIP() << "io_uring is refused here, errno " << ring.error();
    }
    const socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_EQ(ring.cancel(7), 0);
    const std::optional<completion> done = ring.peek();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->result, -ECANCELED);
}

TEST_F(cancel_fact, only_the_named_entry_ends) {
    const socket_pair pair = tcp_pair();
    for (std::uint64_t name = 1; name <= 50; ++name) {
        ring.add_poll(pair.right.get(), POLLIN, name);
    }
    EXPECT_EQ(ring.submit(), 50);
    EXPECT_EQ(ring.cancel(33), 0);
    EXPECT_GE(ring.fetch(), 0);
    const std::optional<completion> done = ring.peek();
    ASSERT_TRUE(done);
    EXPECT_EQ(done->user_data, 33u);
    EXPECT_FALSE(ring.peek());
}

TEST_F(cancel_fact, cancelling_what_is_not_there_says_so_and_does_no_harm) {
    EXPECT_EQ(ring.cancel(4711), -ENOENT);
    EXPECT_FALSE(ring.peek());
}

TEST_F(cancel_fact, a_poll_whose_event_came_first_still_completes_exactly_once) {
    // The answer of the cancel may be any of three; what counts is the completion.
    const socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    ASSERT_EQ(::send(pair.left.get(), "x", 1, 0), 1);
    const int answer = ring.cancel(7);
    EXPECT_TRUE(answer == 0 || answer == -ENOENT || answer == -EALREADY) << answer;
    const completion done = ring.wait();
    EXPECT_TRUE(done.result == -ECANCELED || (done.result & POLLIN) != 0) << done.result;
    EXPECT_GE(ring.fetch(), 0);
    EXPECT_FALSE(ring.peek());
}

TEST_F(cancel_fact, a_cancelled_receive_leaves_bytes_that_came_in_the_socket) {
    for (int round = 0; round < 50; ++round) {
        const socket_pair pair = tcp_pair();
        char buffer[16] = {};
        io_uring_sqe& entry = ring.add(IORING_OP_RECV, pair.right.get(), 7);
        entry.addr = reinterpret_cast<std::uintptr_t>(buffer);
        entry.len = sizeof buffer;
        EXPECT_EQ(ring.submit(), 1);
        ASSERT_EQ(::send(pair.left.get(), "hello", 5, 0), 5);
        static_cast<void>(ring.cancel(7));
        EXPECT_EQ(ring.wait().result, -ECANCELED);
        EXPECT_EQ(buffer[0], '\0');
        EXPECT_EQ(::recv(pair.right.get(), buffer, sizeof buffer, MSG_DONTWAIT), 5);
    }
}

TEST_F(close_fact, closing_alone_under_a_pending_poll_shows_the_peer_no_end) {
    socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    pair.right.reset();
    EXPECT_EQ(events_of(pair.left.get(), POLLIN, a_while_ms), 0);
}

TEST_F(close_fact,
       cancelling_asynchronously_and_closing_shows_no_end_until_events_are_fetched) {
    socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    ring.add(IORING_OP_ASYNC_CANCEL, -1, 8).addr = 7;
    EXPECT_EQ(ring.submit(), 1);
    pair.right.reset();
    EXPECT_EQ(events_of(pair.left.get(), POLLIN, a_while_ms), 0);
    EXPECT_GE(ring.fetch(), 0);
    EXPECT_EQ(events_of(pair.left.get(), POLLIN, 0), POLLIN);
}

TEST_F(close_fact, cancelling_synchronously_and_closing_shows_no_end_until_events_are_fetched) {
    socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_EQ(ring.cancel(7), 0);
    pair.right.reset();
    EXPECT_EQ(events_of(pair.left.get(), POLLIN, a_while_ms), 0);
    EXPECT_GE(ring.fetch(), 0);
    EXPECT_EQ(events_of(pair.left.get(), POLLIN, 0), POLLIN);
}

TEST_F(close_fact, cancelling_fetching_and_then_closing_shows_the_peer_the_end_at_once) {
    for (int synchronous = 0; synchronous < 2; ++synchronous) {
        socket_pair pair = tcp_pair();
        ring.add_poll(pair.right.get(), POLLIN, 7);
        EXPECT_EQ(ring.submit(), 1);
        if (synchronous == 1) {
            EXPECT_EQ(ring.cancel(7), 0);
        } else {
            ring.add(IORING_OP_ASYNC_CANCEL, -1, 8).addr = 7;
        }
        EXPECT_EQ(ring.submit_and_fetch(), 1 - synchronous);
        pair.right.reset();
        EXPECT_EQ(events_of(pair.left.get(), POLLIN, 0), POLLIN);
    }
}

TEST_F(close_fact, closing_a_listener_alone_under_a_pending_poll_keeps_the_port_taken) {
    unique_fd listener = tcp_listener();
    const std::uint16_t port = port_of(listener);
    ring.add_poll(listener.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    listener.reset();
    EXPECT_EQ(bind_to(tcp_socket(), port), EADDRINUSE);
}

TEST_F(close_fact, a_listener_that_was_cancelled_first_frees_its_port_at_once) {
    unique_fd listener = tcp_listener();
    const std::uint16_t port = port_of(listener);
    ring.add_poll(listener.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_EQ(ring.cancel(7), 0);
    EXPECT_GE(ring.fetch(), 0);
    listener.reset();
    const unique_fd next = tcp_socket();
    EXPECT_EQ(bind_to(next, port), 0);
}

TEST_F(close_fact, a_closed_listener_with_a_pending_accept_still_accepts) {
    unique_fd listener = tcp_listener();
    const std::uint16_t port = port_of(listener);
    ring.add(IORING_OP_ACCEPT, listener.get(), 7).accept_flags = SOCK_CLOEXEC;
    EXPECT_EQ(ring.submit(), 1);
    listener.reset();
    const unique_fd client = tcp_socket();
    EXPECT_EQ(connect_to(client, port), 0);
    const completion done = ring.wait();
    EXPECT_GE(done.result, 0);
    const unique_fd accepted{done.result};
}

} // namespace
