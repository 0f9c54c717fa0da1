// Goal: a connection comes about, or its failure is told, without the caller ever being
// blocked; afterwards the socket is as it was in every other respect. Method: listeners on the
// loopback device that accept, refuse, or are too full to answer.
#include "io/connect.hpp"
#include "unit/support/network.hpp"

#include <fcntl.h>

namespace {

using namespace coring;
using namespace coring::support;

class connect_test : public networked {
protected:
    // A port nobody listens on.
    static std::uint16_t closed_port() {
        const base::unique_fd listener = kernel::tcp_listener();
        return kernel::port_of(listener);
    }

    // A listener so full that the system answers no further attempt.
    struct full_listener {
        base::unique_fd fd = kernel::tcp_socket();
        std::deque<base::unique_fd> waiting;

        full_listener() {
            EXPECT_EQ(kernel::bind_to(fd, 0), 0);
            EXPECT_EQ(::listen(fd.get(), 0), 0);
            for (int at = 0; at < 3; ++at) {
                waiting.push_back(kernel::tcp_socket(SOCK_NONBLOCK));
                static_cast<void>(kernel::connect_to(waiting.back(), kernel::port_of(fd)));
            }
        }
    };
};

ON_ALL_ENGINES(connect_test);

TEST_P(connect_test, a_listener_is_connected_to) {
    const base::unique_fd listener = kernel::tcp_listener();
    endpoint& ours = open_stream();
    task& connecting = connect(ours, kernel::port_of(listener));
    finish(connecting);
    EXPECT_EQ(connecting.result, 0);
    EXPECT_EQ(ours.phase, io::stream_phase::connected);
    EXPECT_EQ(ours.writer, nullptr);
    EXPECT_EQ(io::refuses_connect(ours), EISCONN);
    const base::unique_fd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    write(ours, "hi");
    on.run();
    EXPECT_EQ(bytes_at(peer), "hi");
}

TEST_P(connect_test, a_refusal_is_told_and_the_stream_may_try_again) {
    endpoint& ours = open_stream();
    for (int times = 0; times < 2; ++times) {
        task& refused = connect(ours, closed_port());
        finish(refused);
        EXPECT_EQ(refused.result, -ECONNREFUSED);
        EXPECT_EQ(io::refuses_read(ours), ENOTCONN);
        EXPECT_EQ(io::refuses_write(ours), EPIPE);
        EXPECT_EQ(io::refuses_connect(ours), 0);
    }
    const base::unique_fd listener = kernel::tcp_listener();
    task& connecting = connect(ours, kernel::port_of(listener));
    finish(connecting);
    EXPECT_EQ(connecting.result, 0);
    const base::unique_fd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    task& reader = read(ours);
    ASSERT_EQ(::send(peer.get(), "x", 1, 0), 1);
    finish(reader);
    EXPECT_EQ(ours.received, "x");
}

TEST_P(connect_test, the_descriptor_stays_a_blocking_one) {
    const base::unique_fd listener = kernel::tcp_listener();
    endpoint& ours = open_stream();
    task& connecting = connect(ours, kernel::port_of(listener));
    EXPECT_EQ(::fcntl(ours.fd, F_GETFL) & O_NONBLOCK, 0);
    finish(connecting);
    EXPECT_EQ(::fcntl(ours.fd, F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(connect_test, while_it_connects_other_attempts_are_refused_and_writes_are_not) {
    const full_listener listener;
    endpoint& ours = open_stream();
    task& connecting = connect(ours, kernel::port_of(listener.fd));
    on.turn_without_waiting();
    EXPECT_EQ(connecting.times, 0);
    EXPECT_EQ(io::refuses_connect(ours), EALREADY);
    EXPECT_EQ(io::refuses_write(ours), 0);
    EXPECT_EQ(io::refuses_read(ours), 0);
}

TEST_P(connect_test, an_abandoned_attempt_goes_on) {
    const base::unique_fd listener = kernel::tcp_listener();
    endpoint& ours = open_stream();
    task& connecting = connect(ours, kernel::port_of(listener));
    on.leave(connecting);
    on.run();
    EXPECT_EQ(connecting.times, 0);
    EXPECT_EQ(ours.phase, io::stream_phase::connected);
}

TEST_P(connect_test, what_waits_for_a_connection_that_fails_is_canceled) {
    endpoint& ours = open_stream();
    task& connecting = connect(ours, closed_port());
    if (ours.phase != io::stream_phase::connecting) {
        GTEST_SKIP() << "the refusal came during the call";
    }
    task& writer = write(ours, "never");
    task& ending = shutdown(ours);
    on.run();
    EXPECT_EQ(connecting.result, -ECONNREFUSED);
    EXPECT_EQ(writer.result, -ECANCELED);
    EXPECT_EQ(ending.result, -ECANCELED);
    EXPECT_FALSE(ours.shut);
}

TEST_P(connect_test, a_port_that_was_taken_at_bind_is_told_by_connect) {
    io::listener& taken = listening();
    endpoint& ours = open_stream();
    ASSERT_TRUE(io::bind_socket(ours, loopback(port_of(taken))));
    task& connecting = connect(ours, port_of(taken));
    finish(connecting);
    EXPECT_EQ(connecting.result, -EADDRINUSE);
}

TEST_P(connect_test, closing_a_stream_that_connects_cancels_all_of_it) {
    const full_listener listener;
    endpoint& ours = open_stream();
    task& connecting = connect(ours, kernel::port_of(listener.fd));
    task& reader = read(ours);
    task& writer = write(ours, "never");
    on.turn_without_waiting();
    on.deliver_now(io::close_stream(ours));
    on.run();
    EXPECT_EQ(reader.result, -ECANCELED);
    EXPECT_EQ(connecting.result, -ECANCELED);
    EXPECT_EQ(writer.result, -ECANCELED);
    EXPECT_EQ(on.sequence(), "read connect write");
}

} // namespace
