// Goal: what the engine believes about receives, accepts and sends of the ring (decisions 14,
// 21, 23): a send that is parked can go on from its count, and flags of descriptors do not
// matter. Method: both kinds of stream sockets; every byte is counted at the far end.
#include "kernel/mini_ring.hpp"
#include "kernel/sockets.hpp"

#include <fcntl.h>

namespace {

using namespace coring::kernel; // NOLINT(google-build-using-namespace)

constexpr std::size_t much = std::size_t{16} << 20; // more than both socket buffers hold

class send_fact : public ring_fact, public testing::WithParamInterface<int> {
protected:
    static socket_pair make() { return GetParam() == AF_INET ? tcp_pair() : local_pair(); }

    // Queues `much` bytes, waiting for all to go.
    void add_send(int fd, std::uint64_t user_data) {
        io_uring_sqe& entry = ring.add(IORING_OP_SEND, fd, user_data);
        entry.addr = reinterpret_cast<std::uintptr_t>(bytes_.data());
        entry.len = static_cast<unsigned>(bytes_.size());
        entry.msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
    }

    std::vector<char> bytes_ = std::vector<char>(much, 'x');
};

TEST_P(send_fact, a_cancelled_send_reports_exactly_the_bytes_the_peer_gets) {
    socket_pair pair = make();
    add_send(pair.left.get(), 7);
    EXPECT_EQ(ring.submit(), 1);
    static_cast<void>(ring.cancel(7));
    const completion done = ring.wait();
    pair.left.reset();
    ASSERT_GT(done.result, 0); // some went at once
    EXPECT_LT(static_cast<std::size_t>(done.result), much);
    EXPECT_EQ(read_to_end(pair.right.get()), static_cast<std::size_t>(done.result));
}

TEST_P(send_fact, a_cancelled_send_that_had_gone_on_reports_exactly_the_bytes_the_peer_gets) {
    socket_pair pair = make();
    add_send(pair.left.get(), 7);
    EXPECT_EQ(ring.submit(), 1);
    std::vector<char> some(much / 8);
    std::size_t total = 0;
    for (int round = 0; round < 5; ++round) { // the send goes on in between
        const ssize_t got = ::recv(pair.right.get(), some.data(), some.size(), 0);
        ASSERT_GT(got, 0);
        total += static_cast<std::size_t>(got);
        EXPECT_GE(ring.fetch(), 0);
    }
    static_cast<void>(ring.cancel(7));
    const completion done = ring.wait();
    pair.left.reset();
    ASSERT_GT(done.result, 0);
    EXPECT_EQ(total + read_to_end(pair.right.get()), static_cast<std::size_t>(done.result));
}

TEST_P(send_fact, a_cancelled_send_that_no_byte_of_went_reports_that_it_was_cancelled) {
    socket_pair pair = make();
    std::size_t before = 0;
    for (;;) { // fill both buffers
        const ssize_t sent =
            ::send(pair.left.get(), bytes_.data(), bytes_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            break;
        }
        before += static_cast<std::size_t>(sent);
    }
    add_send(pair.left.get(), 7);
    EXPECT_EQ(ring.submit(), 1);
    static_cast<void>(ring.cancel(7));
    const completion done = ring.wait();
    pair.left.reset();
    const std::size_t after = done.result > 0 ? static_cast<std::size_t>(done.result) : 0;
    EXPECT_TRUE(done.result > 0 || done.result == -ECANCELED) << done.result;
    EXPECT_EQ(read_to_end(pair.right.get()), before + after);
}

TEST_P(send_fact, waiting_for_all_makes_one_completion_of_many_steps) {
    socket_pair pair = make();
    add_send(pair.left.get(), 7);
    EXPECT_EQ(ring.submit(), 1);
    std::vector<char> some(much / 8);
    std::size_t total = 0;
    while (total < much) {
        const ssize_t got = ::recv(pair.right.get(), some.data(), some.size(), MSG_DONTWAIT);
        total += got > 0 ? static_cast<std::size_t>(got) : 0;
        EXPECT_GE(ring.fetch(), 0);
    }
    EXPECT_EQ(ring.wait().result, static_cast<int>(much));
}

TEST_P(send_fact, a_receive_waits_although_the_socket_is_non_blocking) {
    const socket_pair pair = make();
    ASSERT_EQ(::fcntl(pair.right.get(), F_SETFL, O_NONBLOCK), 0);
    char byte = 0;
    io_uring_sqe& entry = ring.add(IORING_OP_RECV, pair.right.get(), 7);
    entry.addr = reinterpret_cast<std::uintptr_t>(&byte);
    entry.len = 1;
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_GE(ring.fetch(), 0);
    EXPECT_FALSE(ring.peek());
    ASSERT_EQ(::send(pair.left.get(), "x", 1, 0), 1);
    EXPECT_EQ(ring.wait().result, 1);
}

TEST_P(send_fact, a_call_that_says_so_does_not_wait_although_the_socket_is_blocking) {
    const socket_pair pair = make();
    char byte = 0;
    EXPECT_EQ(::recv(pair.right.get(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
}

INSTANTIATE_TEST_SUITE_P(sockets,
                         send_fact,
                         testing::Values(AF_INET, AF_UNIX),
                         [](const auto& each) {
                             return each.param == AF_INET ? "tcp" : "local";
                         });

class accept_fact : public ring_fact {};

TEST_F(accept_fact, an_accept_waits_although_the_listener_is_non_blocking) {
    const unique_fd listener = tcp_listener(SOCK_NONBLOCK);
    ring.add(IORING_OP_ACCEPT, listener.get(), 7).accept_flags = SOCK_CLOEXEC;
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_GE(ring.fetch(), 0);
    EXPECT_FALSE(ring.peek());
    const unique_fd client = tcp_socket();
    EXPECT_EQ(connect_to(client, port_of(listener)), 0);
    const unique_fd accepted{ring.wait().result};
    EXPECT_TRUE(accepted.valid());
}

TEST(plain_accept_fact, what_a_non_blocking_listener_accepts_is_blocking) {
    const unique_fd listener = tcp_listener(SOCK_NONBLOCK);
    EXPECT_EQ(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), -1);
    EXPECT_EQ(errno, EAGAIN);
    const unique_fd client = tcp_socket();
    EXPECT_EQ(connect_to(client, port_of(listener)), 0);
    const unique_fd accepted{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    ASSERT_TRUE(accepted.valid());
    EXPECT_EQ(::fcntl(accepted.get(), F_GETFL) & O_NONBLOCK, 0);
}

} // namespace
