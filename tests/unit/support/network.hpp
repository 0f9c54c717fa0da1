// Streams and listeners of the engine on a loop, over TCP on the loopback device; plain sockets
// of tests/kernel/sockets.hpp play the peer.
#pragma once

#include "io/accept.hpp"
#include "io/connect.hpp"
#include "io/recv.hpp"
#include "io/send.hpp"
#include "io/shutdown.hpp"
#include "io/stream.hpp"
#include "kernel/sockets.hpp"
#include "unit/support/host.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace coring::support {

// A stream and what was read from it.
struct endpoint : io::stream {
    std::string received;
};

// Bytes of which each tells its place: a gap, a repetition or a mixture shows.
inline std::string pattern(std::size_t size, unsigned seed = 0) {
    std::string made(size, '\0');
    for (std::size_t at = 0; at < size; ++at) {
        made[at] = static_cast<char>((at * 31 + at / 251 + seed * 101) & 0xff);
    }
    return made;
}

// Comparing megabytes with EXPECT_EQ would print them.
inline bool same(std::string_view left, std::string_view right) {
    return left == right;
}

inline constexpr std::size_t more_than_fits = 12 << 20; // in the buffers of both ends together

class networked : public hosted_in_real_time {
protected:
    void SetUp() override {
        hosted_in_real_time::SetUp();
        if (!IsSkipped()) {
            keep_reserve();
        }
    }

    // Whatever the test left is closed; then nothing may be anywhere.
    void TearDown() override {
        if (IsSkipped()) {
            return;
        }
        for (endpoint& each : endpoints_) {
            if (each.is_open()) {
                io::drop_stream(each);
            }
        }
        for (io::listener& each : listeners_) {
            if (each.is_open()) {
                io::drop_listener(each);
            }
        }
        on.run();
        on.expect_nothing_left();
        EXPECT_EQ(on.loop.count().in_kernel, 0U);
        hosted_in_real_time::TearDown();
    }

    // --- objects
    // ------------------------------------------------------------------------------

    endpoint& closed_stream(io::domain in = io::domain::ipv4) {
        endpoint& made = endpoints_.emplace_back();
        made.on = &on.loop;
        made.in = in;
        return made;
    }

    endpoint& open_stream() {
        endpoint& made = closed_stream();
        EXPECT_TRUE(io::open_socket(made));
        return made;
    }

    // A connected stream; the other end is left to the caller.
    endpoint& adopt(base::unique_fd& fd) {
        endpoint& made = closed_stream();
        io::adopt_descriptor(made, fd.release());
        return made;
    }

    struct pair {
        endpoint& ours;
        base::unique_fd peer;
    };

    pair connected() {
        kernel::socket_pair sockets = kernel::tcp_pair();
        return {adopt(sockets.left), std::move(sockets.right)};
    }

    pair connected_locally() {
        kernel::socket_pair sockets = kernel::local_pair();
        return {adopt(sockets.left), std::move(sockets.right)};
    }

    io::listener& listening(int backlog = 64) {
        io::listener& made = listeners_.emplace_back();
        made.on = &on.loop;
        EXPECT_TRUE(io::open_socket(made));
        EXPECT_TRUE(io::bind_socket(made, loopback(0)));
        EXPECT_TRUE(io::listen_on(made, backlog));
        return made;
    }

    static io::ip_address loopback(std::uint16_t port) {
        io::ip_address made{io::ip_version::v4};
        EXPECT_TRUE(made.set_literal("127.0.0.1"));
        made.set_port(port);
        return made;
    }

    static std::uint16_t port_of(io::socket& bound) {
        io::ip_address found{io::ip_version::v4};
        EXPECT_TRUE(io::socket_address(bound, io::site::self, found));
        return found.port();
    }

    // --- verbs
    // ----------------------------------------------------------------------------------

    task& read(endpoint& from, std::size_t room = 65536) {
        task& who = on.make("read");
        start_reading(who, from, room);
        return who;
    }

    // Reads until the end or a failure.
    task& read_on(endpoint& from, std::size_t room = 65536) {
        task& who = on.make("read");
        who.then = [this, &from, room](task& self) {
            if (self.result > 0) {
                start_reading(self, from, room);
            }
        };
        start_reading(who, from, room);
        return who;
    }

    void start_reading(task& who, endpoint& from, std::size_t room) {
        who.take = [&from, room](op::operation&) {
            std::string into(room, '\0');
            const int count = io::recv_now(from, into);
            if (count > 0) {
                from.received.append(into.data(), static_cast<std::size_t>(count));
            }
            return count;
        };
        who.again = [](op::operation& reading) { io::recv_again(reading); };
        io::recv_start(from, on.reserve(who, io::recv_type));
    }

    task& write(endpoint& to,
                std::string_view bytes,
                io::source kept = io::source::stays,
                std::string name = "write") {
        task& who = on.make(std::move(name));
        EXPECT_EQ(io::send_start(to, on.reserve(who, io::send_type), bytes, kept), 0);
        return who;
    }

    task& shutdown(endpoint& of) {
        task& who = on.make("shutdown");
        io::shutdown_start(of, on.reserve(who, io::shutdown_type));
        return who;
    }

    task& connect(endpoint& from, std::uint16_t port) {
        task& who = on.make("connect");
        io::connect_start(from, on.reserve(who, io::connect_type), loopback(port));
        return who;
    }

    // The result is the descriptor; it is the caller's.
    task& accept(io::listener& at) {
        task& who = on.make("accept");
        start_accepting(who, at);
        return who;
    }

    void start_accepting(task& who, io::listener& at) {
        who.take = [&at](op::operation&) { return io::accept_now(at); };
        who.again = [](op::operation& waiting) { io::accept_again(waiting); };
        io::accept_start(at, on.reserve(who, io::accept_type));
    }

    // --- turns
    // ----------------------------------------------------------------------------------

    // Makes the turn so busy that writes are batched, and then calls `body` in it.
    void in_a_busy_turn(std::function<void()> body) {
        on.pause(on.make("body", [body = std::move(body)](task&) { body(); }));
        for (int at = 0; at < 4; ++at) {
            on.pause(on.make("busy")); // newcomers go in front
        }
        on.turn();
        on.order.clear();
    }

    void finish(const task& who) {
        on.turn_until([&] { return who.times > 0 && who.waits_in == nullptr; });
    }

    // Everything up to the end of the stream, read by a plain socket while the loop turns.
    std::string everything_at(const base::unique_fd& peer) {
        std::string all;
        std::vector<char> room(1 << 20);
        for (;;) {
            const ssize_t got = ::recv(peer.get(), room.data(), room.size(), MSG_DONTWAIT);
            if (got == 0) {
                return all;
            }
            if (got > 0) {
                all.append(room.data(), static_cast<std::size_t>(got));
                continue;
            }
            EXPECT_EQ(errno, EAGAIN);
            if (errno != EAGAIN) {
                return all;
            }
            if (on.loop.alive()) {
                on.turn_without_waiting();
            }
            static_cast<void>(kernel::events_of(peer.get(), POLLIN, 1));
        }
    }

    // What is there now.
    static std::string bytes_at(const base::unique_fd& peer, std::size_t most = 1 << 20) {
        std::string into(most, '\0');
        const ssize_t got = ::recv(peer.get(), into.data(), most, MSG_DONTWAIT);
        into.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return into;
    }

private:
    // The descriptor that accepting holds back is opened once a process and stays.
    void keep_reserve() {
        static bool kept = false;
        if (!std::exchange(kept, true)) {
            const std::size_t before = open_descriptors();
            io::listener& first = listening();
            static_cast<void>(accept(first));
            io::drop_listener(first);
            expect_more(open_descriptors() - before);
        }
    }

    std::deque<endpoint> endpoints_;
    std::deque<io::listener> listeners_;
};

} // namespace coring::support
