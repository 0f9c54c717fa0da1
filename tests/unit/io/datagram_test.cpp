// Goal: datagrams keep their limits, their senders and their order; one that found no room goes
// when there is some, whatever became of its writer; an error is told once and harms nothing.
// Method: UDP on the loopback device; and, where room has to be short, a pair of Unix datagram
// sockets in its place, which holds but a few datagrams until somebody reads them.
#include "io/datagram.hpp"
#include "io/recv_datagram.hpp"
#include "io/send_datagram.hpp"
#include "unit/support/network.hpp"

#include <climits>

namespace {

using namespace coring;
using namespace coring::support;

class datagram_test : public networked {
protected:
    struct delivered {
        std::string bytes;
        bool truncated;
        std::uint16_t port;
    };

    std::deque<delivered> came;

    endpoint& bound() {
        endpoint& made = closed_stream();
        EXPECT_TRUE(io::open_socket(made, SOCK_DGRAM));
        EXPECT_TRUE(io::bind_plainly(made, loopback(0)));
        return made;
    }

    // A connected one with so little room that some writes have to wait.
    endpoint& narrow(base::unique_fd& peer) {
        kernel::socket_pair sockets = kernel::local_pair(SOCK_DGRAM);
        peer = std::move(sockets.right);
        return adopt(sockets.left);
    }

    task& receive(endpoint& from, std::size_t room = 100) {
        task& who = on.make("read");
        who.take = [this, &from, room](op::operation&) {
            std::string into(room, '\0');
            io::ip_address sender{io::ip_version::v4};
            const auto got = io::recv_datagram_now(from, into, &sender);
            if (got.count >= 0) {
                into.resize(static_cast<std::size_t>(got.count));
                came.push_back({into, got.truncated, sender.port()});
            }
            return got.count;
        };
        who.again = [](op::operation& reading) { io::recv_again(reading); };
        io::recv_datagram_start(from, on.reserve(who, io::recv_type));
        return who;
    }

    task& send(endpoint& from, std::string_view bytes, const io::ip_address* to = nullptr) {
        task& who = on.make(std::string{bytes.substr(0, 8)});
        const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        EXPECT_EQ(io::send_datagram_start(from, on.reserve(who, io::send_datagram_type),
                                          {&part, 1}, bytes.size(), to),
                  0);
        return who;
    }

    // Writes "0", "1", … until one has to wait, and some more. The first that waits.
    std::size_t fill(endpoint& from, std::deque<task*>& writers, std::size_t more) {
        std::size_t waiting = 0;
        for (std::size_t at = 0; at < waiting + more || waiting == 0; ++at) {
            writers.push_back(&send(from, std::to_string(at)));
            if (waiting == 0 && from.writer != nullptr) {
                waiting = at;
            }
            if (at > 10'000) {
                ADD_FAILURE() << "there is always room";
                return 0;
            }
        }
        return waiting;
    }

    // Reads all with a plain socket while the loop turns, and expects "0", "1", … in order.
    void expect_in_order(const base::unique_fd& peer, std::size_t count) {
        for (std::size_t at = 0; at < count; ++at) {
            for (int tries = 0; kernel::events_of(peer.get(), POLLIN, 1) == 0; ++tries) {
                ASSERT_LT(tries, 5000);
                on.turn_without_waiting();
            }
            ASSERT_EQ(bytes_at(peer), std::to_string(at));
        }
        EXPECT_EQ(kernel::events_of(peer.get(), POLLIN, 0), 0);
    }
};

ON_ALL_ENGINES(datagram_test);

TEST_P(datagram_test, a_datagram_is_with_the_kernel_before_the_call_returns) {
    endpoint& far = bound();
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(far));
    task& writer = send(near, "now", &to);
    EXPECT_NE(kernel::events_of(far.fd, POLLIN, 0), 0);
    EXPECT_EQ(writer.times, 0) << "its writer is still resumed by the loop";
    task& reader = receive(far);
    finish(reader);
    EXPECT_EQ(writer.result, 0);
    ASSERT_EQ(came.size(), 1U);
    EXPECT_EQ(came[0].bytes, "now");
    EXPECT_FALSE(came[0].truncated);
    EXPECT_EQ(came[0].port, port_of(near));
}

TEST_P(datagram_test, empty_full_and_too_long_datagrams_are_told_apart) {
    endpoint& far = bound();
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(far));
    for (const char* each : {"", "12345", "123456"}) {
        send(near, each, &to);
        finish(receive(far, 5));
    }
    ASSERT_EQ(came.size(), 3U);
    EXPECT_EQ(came[0].bytes, "");
    EXPECT_FALSE(came[0].truncated);
    EXPECT_EQ(came[1].bytes, "12345");
    EXPECT_FALSE(came[1].truncated);
    EXPECT_EQ(came[2].bytes, "12345");
    EXPECT_TRUE(came[2].truncated);
    on.run();
}

TEST_P(datagram_test, what_no_datagram_can_hold_is_refused_after_a_yield) {
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(near));
    const std::string large(65'508, 'x');
    task& udp = send(near, large, &to);
    const std::string larger(70'000, 'x');
    task& any = send(near, larger, &to);
    EXPECT_EQ(udp.times, 0);
    EXPECT_EQ(any.times, 0);
    on.run();
    EXPECT_EQ(udp.result, -EMSGSIZE);
    EXPECT_EQ(any.result, -EMSGSIZE);
}

TEST_P(datagram_test, an_error_is_told_once_and_the_datagram_behind_it_is_there) {
    endpoint& near = bound();
    std::uint16_t nobody = 0;
    {
        endpoint& gone = bound();
        nobody = port_of(gone);
        io::drop_stream(gone);
    }
    ASSERT_TRUE(io::connect_datagram(near, loopback(nobody)));
    task& reader = receive(near);
    on.turn_without_waiting();
    send(near, "x");
    finish(reader);
    EXPECT_EQ(reader.result, -ECONNREFUSED);
    // Nothing of it is left: the next reader sleeps.
    task& next = receive(near);
    on.turn_without_waiting();
    EXPECT_EQ(next.times, 0);
    ASSERT_TRUE(io::disconnect_datagram(near));
    const io::ip_address own = loopback(port_of(near));
    send(near, "alive", &own);
    finish(next);
    ASSERT_EQ(came.size(), 1U);
    EXPECT_EQ(came[0].bytes, "alive");
    on.run();
}

TEST_P(datagram_test, connecting_and_disconnecting_refuse_what_makes_no_sense) {
    endpoint& near = bound();
    EXPECT_EQ(io::disconnect_datagram(near).error(), ENOTCONN);
    ASSERT_TRUE(io::connect_datagram(near, loopback(9)));
    EXPECT_EQ(io::connect_datagram(near, loopback(10)).error(), EISCONN);
    ASSERT_TRUE(io::disconnect_datagram(near));
    ASSERT_TRUE(io::connect_datagram(near, loopback(10)));
}

TEST_P(datagram_test, disconnecting_leaves_the_address_that_was_bound) {
    const auto own = [](io::stream& of) {
        io::ip_address found{io::ip_version::v4};
        EXPECT_TRUE(io::socket_address(of, io::site::self, found));
        return found;
    };
    io::ip_address everywhere{io::ip_version::v4};
    for (const io::ip_address& to : {loopback(0), everywhere}) {
        endpoint& near = closed_stream();
        ASSERT_TRUE(io::open_socket(near, SOCK_DGRAM));
        ASSERT_TRUE(io::bind_plainly(near, to));
        const io::ip_address before = own(near);
        for (int times = 0; times < 2; ++times) {
            ASSERT_TRUE(io::connect_datagram(near, loopback(9)));
            EXPECT_EQ(own(near).port(), before.port());
            ASSERT_TRUE(io::disconnect_datagram(near));
            EXPECT_TRUE(own(near).equals(before));
        }
    }
}

TEST_P(datagram_test, without_room_writes_wait_and_go_in_their_order) {
    base::unique_fd peer;
    endpoint& near = narrow(peer);
    std::deque<task*> writers;
    const std::size_t first = fill(near, writers, 25);
    on.turn_without_waiting();
    EXPECT_EQ(writers[first]->times, 0);
    expect_in_order(peer, writers.size());
    on.run();
    for (const task* each : writers) {
        EXPECT_EQ(each->times, 1);
        EXPECT_EQ(each->result, 0);
    }
}

TEST_P(datagram_test, a_waiting_write_has_its_own_copy) {
    base::unique_fd peer;
    endpoint& near = narrow(peer);
    std::deque<task*> writers;
    fill(near, writers, 1);
    std::string bytes = "mine";
    send(near, bytes);
    bytes = "gone";
    std::string last;
    for (std::size_t at = 0; at <= writers.size(); ++at) {
        for (int tries = 0; kernel::events_of(peer.get(), POLLIN, 1) == 0 && tries < 5000;
             ++tries) {
            on.turn_without_waiting();
        }
        last = bytes_at(peer);
    }
    EXPECT_EQ(last, "mine");
    on.run();
}

TEST_P(datagram_test, abandoned_writes_go_all_the_same) {
    base::unique_fd peer;
    endpoint& near = narrow(peer);
    std::deque<task*> writers;
    const std::size_t first = fill(near, writers, 8);
    on.leave(*writers[0]);     // when it is done
    on.leave(*writers[first]); // before it was handed over
    on.turn_without_waiting();
    on.leave(*writers[first + 1]); // while it is in line
    EXPECT_TRUE(on.loop.alive());
    expect_in_order(peer, writers.size());
    on.run();
    EXPECT_EQ(writers[first]->times, 0);
    EXPECT_EQ(writers[first + 1]->times, 0);
    EXPECT_EQ(writers[first + 2]->result, 0);
}

TEST_P(datagram_test, the_object_may_go_before_abandoned_writes_have) {
    base::unique_fd peer;
    endpoint& near = narrow(peer);
    std::deque<task*> writers;
    const std::size_t first = fill(near, writers, 8);
    on.turn_without_waiting();
    for (std::size_t at = first; at < writers.size(); ++at) {
        on.leave(*writers[at]);
    }
    ASSERT_TRUE(io::outlives_object(near));
    io::release_stream(near);
    EXPECT_FALSE(near.is_open());
    expect_in_order(peer, writers.size());
    on.run();
}

TEST_P(datagram_test, closing_cancels_what_found_no_room) {
    for (const bool handed_over : {false, true}) {
        base::unique_fd peer;
        endpoint& near = narrow(peer);
        std::deque<task*> writers;
        const std::size_t first = fill(near, writers, 3);
        if (handed_over) {
            on.turn_without_waiting();
        }
        EXPECT_EQ(io::close_stream(near), nullptr);
        on.run();
        for (std::size_t at = 0; at < writers.size(); ++at) {
            EXPECT_EQ(writers[at]->result, at < first ? 0 : -ECANCELED) << at;
        }
    }
}

TEST_P(datagram_test, closing_sends_what_was_queued_and_has_room_by_now) {
    base::unique_fd peer;
    endpoint& near = narrow(peer);
    std::deque<task*> writers;
    const std::size_t first = fill(near, writers, 3);
    for (std::size_t at = 0; at < first; ++at) {
        EXPECT_EQ(bytes_at(peer), std::to_string(at));
    }
    EXPECT_EQ(io::close_stream(near), nullptr);
    for (std::size_t at = first; at < writers.size(); ++at) {
        EXPECT_EQ(bytes_at(peer), std::to_string(at));
    }
    on.run();
    for (const task* each : writers) {
        EXPECT_EQ(each->result, 0);
    }
}

TEST_P(datagram_test, more_parts_than_one_call_takes_are_one_datagram) {
    endpoint& far = bound();
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(far));
    std::string text = "0123456789";
    const std::vector<iovec> parts(IOV_MAX + 7, iovec{text.data(), 3});
    task& writer = on.make("write");
    ASSERT_EQ(io::send_datagram_start(near, on.reserve(writer, io::send_datagram_type), parts,
                                      parts.size() * 3, &to),
              0);
    EXPECT_NE(kernel::events_of(far.fd, POLLIN, 0), 0);
    finish(receive(far, 65536));
    EXPECT_EQ(writer.result, 0);
    EXPECT_EQ(came.at(0).bytes.size(), parts.size() * 3);
}

TEST_P(datagram_test, while_datagrams_wait_a_read_does_not_ask_for_them) {
    endpoint& far = bound();
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(far));
    for (int at = 0; at < 6; ++at) {
        send(near, std::to_string(at), &to);
    }
    for (int at = 0; at < 6; ++at) {
        task& reader = receive(far);
        const auto expected = at == 0 ? op::state::queued : op::state::ready;
        EXPECT_EQ(reader.waits_in->at, expected) << at;
        finish(reader);
        EXPECT_EQ(came.back().bytes, std::to_string(at));
    }
    on.run();
}

TEST_P(datagram_test, a_wrong_guess_is_seen_by_nobody_and_makes_guesses_rare) {
    endpoint& far = bound();
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(far));
    int guesses = 0;
    for (int at = 0; at < 200; ++at) { // each waits for the one before it, as in a dialogue
        task& reader = receive(far);
        guesses += reader.waits_in->at == op::state::ready ? 1 : 0;
        on.turn_without_waiting();
        on.turn_without_waiting();
        ASSERT_EQ(reader.times, 0);
        send(near, "x", &to);
        finish(reader);
    }
    EXPECT_EQ(came.size(), 200U);
    EXPECT_GE(guesses, 1);
    EXPECT_LE(guesses, 9);
    on.run();
}

TEST_P(datagram_test, a_guess_that_was_left_is_nobodys_fault) {
    endpoint& far = bound();
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(far));
    send(near, "first", &to);
    finish(receive(far));
    task& guess = receive(far);
    ASSERT_EQ(guess.waits_in->at, op::state::ready);
    on.leave(guess);
    EXPECT_EQ(far.reader, nullptr);
    send(near, "second", &to);
    task& closed = receive(far);
    ASSERT_EQ(closed.waits_in->at, op::state::ready);
    on.deliver_now(io::close_stream(far));
    EXPECT_EQ(closed.result, -ECANCELED);
    on.run();
}

TEST_P(datagram_test, a_reader_that_leaves_has_taken_nothing) {
    endpoint& far = bound();
    endpoint& near = bound();
    const io::ip_address to = loopback(port_of(far));
    on.leave(receive(far)); // before it was handed over
    task& waiting = receive(far);
    on.turn_without_waiting();
    on.leave(waiting);
    send(near, "kept", &to);
    task& next = receive(far);
    finish(next);
    ASSERT_EQ(came.size(), 1U);
    EXPECT_EQ(came[0].bytes, "kept");
    on.run();
}

} // namespace
