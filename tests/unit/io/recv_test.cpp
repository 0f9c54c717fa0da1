// Goal: a read takes what is there when it is delivered, never more than it was asked for, and
// what nobody takes stays for the next one.
// Method: connected TCP sockets, one end on the loop, the other a plain socket; both engines.
#include "base/errc.hpp"
#include "io/recv.hpp"
#include "unit/support/network.hpp"

namespace {

using namespace coring;
using namespace coring::support;

class recv_test : public networked {};

ON_ALL_ENGINES(recv_test);

void put(const base::unique_fd& peer, std::string_view bytes) {
    ASSERT_EQ(::send(peer.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
}

TEST_P(recv_test, bytes_that_come_are_read) {
    auto [ours, peer] = connected();
    task& reader = read(ours);
    on.turn_without_waiting();
    EXPECT_EQ(reader.times, 0);
    put(peer, "hello");
    finish(reader);
    EXPECT_EQ(reader.result, 5);
    EXPECT_EQ(ours.received, "hello");
    EXPECT_EQ(ours.reader, nullptr);
}

TEST_P(recv_test, bytes_that_were_there_before_are_read) {
    auto [ours, peer] = connected();
    put(peer, "early");
    finish(read(ours));
    EXPECT_EQ(ours.received, "early");
}

TEST_P(recv_test, a_read_takes_no_more_than_its_range_and_the_rest_stays) {
    auto [ours, peer] = connected();
    put(peer, "0123456789");
    for (const char* expected : {"0123", "01234567", "0123456789"}) {
        finish(read(ours, 4));
        EXPECT_EQ(ours.received, expected);
    }
    task& reader = read(ours, 4);
    on.turn_without_waiting();
    EXPECT_EQ(reader.times, 0);
}

TEST_P(recv_test, late_bytes_reach_the_next_read) {
    auto [ours, peer] = connected();
    task& gone = read(ours);
    on.turn_without_waiting();
    put(peer, "late");
    on.leave(gone);
    EXPECT_EQ(ours.reader, nullptr);
    finish(read(ours));
    EXPECT_EQ(ours.received, "late");
    EXPECT_EQ(gone.times, 0);
}

TEST_P(recv_test, the_end_of_the_stream_is_told_again_and_again) {
    auto [ours, peer] = connected();
    put(peer, "last");
    peer.reset();
    finish(read(ours));
    EXPECT_EQ(ours.received, "last");
    for (int times = 0; times < 3; ++times) {
        task& reader = read(ours);
        finish(reader);
        EXPECT_EQ(reader.result, -base::end_of_file);
    }
    EXPECT_EQ(io::refuses_read(ours), 0);
}

TEST_P(recv_test, a_reset_kills_the_stream) {
    auto [ours, peer] = connected();
    task& reader = read(ours);
    on.turn_without_waiting();
    const linger none{1, 0};
    ASSERT_EQ(::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
    peer.reset();
    finish(reader);
    EXPECT_EQ(reader.result, -ECONNRESET);
    EXPECT_EQ(ours.phase, io::stream_phase::dead);
    EXPECT_EQ(io::refuses_read(ours), ENOTCONN);
    EXPECT_EQ(io::refuses_write(ours), EPIPE);
    EXPECT_EQ(io::refuses_connect(ours), EISCONN);
}

// Another process that shares the socket was faster.
TEST_P(recv_test, a_delivery_that_finds_nothing_waits_on) {
    auto [ours, peer] = connected();
    task& reader = read(ours);
    on.turn_without_waiting();
    auto take = reader.take;
    bool robbed = false;
    reader.take = [&, &ours = ours](op::operation& reading) {
        if (!std::exchange(robbed, true)) {
            std::array<char, 16> away{};
            EXPECT_GT(::recv(ours.fd, away.data(), away.size(), MSG_DONTWAIT), 0);
        }
        return take(reading);
    };
    put(peer, "stolen");
    on.turn_until([&] { return robbed; });
    EXPECT_EQ(reader.times, 0);
    on.turn_without_waiting();
    put(peer, "mine");
    finish(reader);
    EXPECT_EQ(ours.received, "mine");
}

TEST_P(recv_test, a_read_that_begins_while_connecting_waits_for_the_connection) {
    const base::unique_fd listener = kernel::tcp_listener();
    endpoint& ours = open_stream();
    task& connecting = connect(ours, kernel::port_of(listener));
    ASSERT_EQ(ours.phase, io::stream_phase::connecting);
    task& reader = read(ours);
    const base::unique_fd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    put(peer, "welcome");
    finish(reader);
    EXPECT_EQ(connecting.result, 0);
    EXPECT_EQ(ours.received, "welcome");
}

TEST_P(recv_test, a_reader_of_a_connection_that_never_came_is_told_so) {
    std::uint16_t port = 0;
    {
        const base::unique_fd listener = kernel::tcp_listener();
        port = kernel::port_of(listener);
    }
    endpoint& ours = open_stream();
    task& connecting = connect(ours, port);
    if (ours.phase != io::stream_phase::connecting) {
        GTEST_SKIP() << "the refusal came during the call";
    }
    task& reader = read(ours);
    finish(reader);
    EXPECT_EQ(connecting.result, -ECONNREFUSED);
    EXPECT_EQ(reader.result, -ENOTCONN);
}

TEST_P(recv_test, megabytes_come_through_whole) {
    auto [ours, peer] = connected();
    endpoint& theirs = adopt(peer);
    const std::string bytes = pattern(more_than_fits);
    write(theirs, bytes);
    shutdown(theirs);
    task& reader = read_on(ours, 100'003);
    on.run();
    EXPECT_EQ(reader.result, -base::end_of_file);
    EXPECT_TRUE(same(ours.received, bytes));
}

} // namespace
