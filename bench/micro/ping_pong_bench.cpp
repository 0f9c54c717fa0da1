// A byte to the other end and back, both ends on one loop: reads, writes and turns without Lua.
// Over a local pair, where the kernel costs least, and over TCP on the loopback device.
#include "io/recv.hpp"
#include "io/send.hpp"
#include "io/stream.hpp"
#include "support.hpp"

#include <array>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace coring;
using bench::bench_loop;
using loop::engine_kind;

// One end: reads, answers with what it read, and reads on.
struct player {
    io::stream at;
    bench::waiter reading;
    bench::waiter writing; // does nothing when its write is done
    std::array<char, 64> room{};
    std::int64_t received = 0;

    void read() noexcept { io::recv_start(at, *at.on->acquire(io::recv_type, &reading)); }

    void write(std::string_view bytes) noexcept {
        static_cast<void>(io::send_start(at, *at.on->acquire(io::send_type, &writing), bytes,
                                         io::source::changes));
    }

    static void answer(bench::waiter& self) noexcept {
        auto& me = *static_cast<player*>(self.context);
        const int count = io::recv_now(me.at, me.room);
        me.read();
        if (count > 0) {
            ++me.received;
            me.write({me.room.data(), static_cast<std::size_t>(count)});
        }
    }

    void join(loop::loop& on, int fd) noexcept {
        at.on = &on;
        io::adopt_descriptor(at, fd);
        reading = {answer, this};
        read();
    }
};

using ends = std::array<int, 2>;

ends local_ends() noexcept {
    ends made{-1, -1};
    static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made.data()));
    return made;
}

ends tcp_ends() noexcept {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool made = ::bind(listener, generic, size) == 0 && ::listen(listener, 1) == 0 &&
                      ::getsockname(listener, generic, &size) == 0 &&
                      ::connect(client, generic, size) == 0;
    const int server = made ? ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1;
    ::close(listener);
    return {client, server};
}

template <engine_kind Kind, ends (*Make)() noexcept>
void ping_pong(benchmark::State& state) {
    bench_loop on{Kind};
    if (!on.ready(state)) {
        return;
    }
    const ends fds = Make();
    if (fds[0] < 0 || fds[1] < 0) {
        state.SkipWithError("no sockets");
        return;
    }
    player left;
    player right;
    left.join(on.get(), fds[0]);
    right.join(on.get(), fds[1]);
    left.write("0123456789abcdef");
    for (auto _ : state) {
        const std::int64_t before = left.received;
        while (left.received == before) {
            on.turn();
        }
    }
    io::drop_stream(left.at);
    io::drop_stream(right.at);
}

BENCHMARK(ping_pong<engine_kind::uring, local_ends>);
BENCHMARK(ping_pong<engine_kind::epoll, local_ends>);
BENCHMARK(ping_pong<engine_kind::uring, tcp_ends>);
BENCHMARK(ping_pong<engine_kind::epoll, tcp_ends>);

} // namespace
