// Goal: connections are taken one per delivery, many per turn, never lost and never leaked; a
// process short of descriptors neither spins nor stops.
// Method: plain clients on the loopback device; a lowered descriptor limit; both engines.
#include "io/accept.hpp"
#include "unit/support/network.hpp"

#include <fcntl.h>
#include <sys/resource.h>

namespace {

using namespace coring;
using namespace coring::support;

class accept_test : public networked {
protected:
    std::deque<base::unique_fd> clients;
    std::deque<base::unique_fd> accepted;

    void knock(io::listener& at, int count = 1) {
        for (int each = 0; each < count; ++each) {
            clients.push_back(kernel::tcp_socket());
            ASSERT_EQ(kernel::connect_to(clients.back(), port_of(at)), 0);
        }
    }

    // Accepts for ever, as a server does.
    task& serve(io::listener& at) {
        task& who = accept(at);
        who.then = [this, &at](task& self) {
            if (self.result >= 0) {
                accepted.emplace_back(*self.result);
                start_accepting(self, at);
            }
        };
        return who;
    }
};

ON_ALL_ENGINES(accept_test);

TEST_P(accept_test, a_connection_is_taken_with_a_clean_descriptor) {
    io::listener& listener = listening();
    task& acceptor = accept(listener);
    on.turn_without_waiting();
    EXPECT_EQ(acceptor.times, 0);
    knock(listener);
    finish(acceptor);
    const base::unique_fd fd{acceptor.result.value_or(-1)};
    ASSERT_TRUE(fd.valid());
    EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(::fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(listener.reader, nullptr);
}

TEST_P(accept_test, connections_that_were_there_before_are_taken) {
    io::listener& listener = listening();
    knock(listener, 2);
    serve(listener);
    on.turn_until([&] { return accepted.size() == 2; });
}

TEST_P(accept_test, up_to_sixteen_are_served_in_one_turn_and_the_rest_in_the_next) {
    io::listener& listener = listening();
    knock(listener, 40);
    serve(listener);
    on.turn_until([&] { return !accepted.empty(); });
    EXPECT_EQ(accepted.size(), 16U);
    on.turn();
    EXPECT_EQ(accepted.size(), 32U);
    on.turn_until([&] { return accepted.size() == 40; });
    on.turn_without_waiting();
    EXPECT_EQ(accepted.size(), 40U);
}

TEST_P(accept_test, a_connection_nobody_waited_for_is_there_for_the_next) {
    io::listener& listener = listening();
    task& gone = accept(listener);
    on.turn_without_waiting();
    knock(listener);
    on.leave(gone);
    EXPECT_EQ(listener.reader, nullptr);
    task& next = accept(listener);
    finish(next);
    EXPECT_EQ(gone.times, 0);
    const base::unique_fd fd{next.result.value_or(-1)};
    EXPECT_TRUE(fd.valid());
}

TEST_P(accept_test, a_delivery_that_finds_nobody_waits_on) {
    io::listener& listener = listening();
    task& acceptor = accept(listener);
    on.turn_without_waiting();
    auto take = acceptor.take;
    bool robbed = false;
    acceptor.take = [&](op::operation& waiting) {
        if (!std::exchange(robbed, true)) {
            accepted.emplace_back(::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC));
        }
        return take(waiting);
    };
    knock(listener);
    on.turn_until([&] { return robbed; });
    EXPECT_EQ(acceptor.times, 0);
    knock(listener);
    finish(acceptor);
    const base::unique_fd fd{acceptor.result.value_or(-1)};
    EXPECT_TRUE(fd.valid());
}

TEST_P(accept_test, closing_hands_the_acceptor_back_and_frees_the_port_at_once) {
    io::listener& listener = listening();
    const std::uint16_t port = port_of(listener);
    for (const bool in_flight : {false, true}) {
        io::listener& each = in_flight ? listening() : listener;
        const std::uint16_t its_port = in_flight ? port_of(each) : port;
        task& acceptor = accept(each);
        if (in_flight) {
            on.turn_without_waiting();
        }
        on.deliver_now(io::close_listener(each));
        EXPECT_EQ(acceptor.result, -ECANCELED);
        EXPECT_FALSE(each.is_open());
        const base::unique_fd successor = kernel::tcp_socket();
        EXPECT_EQ(kernel::bind_to(successor, its_port), 0);
    }
    on.expect_nothing_left();
}

// A finalizer may close the listener while the acceptor makes room for its connection.
TEST_P(accept_test, closing_from_inside_the_delivery_hands_nobody_back) {
    io::listener& listener = listening();
    task& acceptor = accept(listener);
    acceptor.take = [&](op::operation&) {
        EXPECT_EQ(io::close_listener(listener), nullptr);
        return -ECANCELED;
    };
    knock(listener);
    finish(acceptor);
    EXPECT_EQ(acceptor.result, -ECANCELED);
    EXPECT_EQ(acceptor.times, 1);
}

TEST_P(accept_test, a_client_in_the_queue_of_a_closed_listener_sees_the_end) {
    io::listener& listener = listening();
    task& acceptor = accept(listener);
    on.turn_without_waiting();
    knock(listener);
    on.deliver_now(io::close_listener(listener));
    EXPECT_EQ(acceptor.result, -ECANCELED);
    EXPECT_NE(kernel::events_of(clients.front().get(), POLLIN, 10'000), 0);
    char byte = 0;
    EXPECT_LE(::recv(clients.front().get(), &byte, 1, MSG_DONTWAIT), 0);
}

// As many descriptors as the process may have, but for a few.
class descriptor_limit {
public:
    explicit descriptor_limit(std::size_t open) {
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        rlimit low = before_;
        low.rlim_cur = open;
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    }

    descriptor_limit(const descriptor_limit&) = delete;
    descriptor_limit& operator=(const descriptor_limit&) = delete;
    descriptor_limit(descriptor_limit&&) = delete;
    descriptor_limit& operator=(descriptor_limit&&) = delete;

    ~descriptor_limit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

private:
    rlimit before_{};
};

TEST_P(accept_test, short_of_descriptors_it_drops_one_at_a_time_pauses_and_goes_on) {
    io::listener& listener = listening();
    knock(listener, 3);
    // Fill every hole below the highest number, so that the limit below is exact.
    std::deque<base::unique_fd> holes;
    int highest = listener.fd;
    for (const base::unique_fd& client : clients) {
        highest = std::max(highest, client.get());
    }
    for (;;) {
        base::unique_fd next{::dup(0)};
        if (next.get() > highest) {
            break;
        }
        holes.push_back(std::move(next));
    }
    task& acceptor = serve(listener);
    int turns = 0;
    {
        const descriptor_limit limit{static_cast<std::size_t>(highest) + 1};
        // All three are dropped, one at a delivery; then it waits.
        const std::uint64_t begun = base::monotonic_ns();
        while (base::monotonic_ns() - begun < 5'000'000'000) {
            on.loop.turn(loop::waiting::allowed, loop::late_timers::next_turn);
            ++turns;
            bool all_ended = true;
            for (const base::unique_fd& client : clients) {
                all_ended = all_ended && kernel::events_of(client.get(), POLLIN, 0) != 0;
            }
            if (all_ended) {
                break;
            }
        }
        EXPECT_EQ(acceptor.times, 0) << "shortage is nothing the waiter is told of";
        for (const base::unique_fd& client : clients) {
            EXPECT_NE(kernel::events_of(client.get(), POLLIN, 0), 0) << "it was kept waiting";
        }
        EXPECT_LE(turns, 12) << "it spins";
    }
    knock(listener);
    on.turn_until([&] { return accepted.size() == 1; });
}

TEST_P(accept_test, an_acceptor_in_its_pause_can_be_left_and_closed) {
    io::listener& listener = listening();
    for (const bool leaves : {true, false}) {
        task& acceptor = accept(listener);
        acceptor.take = [&](op::operation&) {
            listener.pause_ms = 100; // as a shortage leaves it
            return -EAGAIN;
        };
        knock(listener);
        on.turn_until([&] {
            return acceptor.waits_in->timed || acceptor.waits_in->at == op::state::delivering;
        });
        EXPECT_TRUE(acceptor.waits_in->timed);
        if (leaves) {
            on.leave(acceptor);
        } else {
            on.deliver_now(io::close_listener(listener));
            EXPECT_EQ(acceptor.result, -ECANCELED);
        }
        on.expect_nothing_left();
    }
}

} // namespace
