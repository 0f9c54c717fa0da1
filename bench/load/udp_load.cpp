// Closed-loop datagram load. Mode echo: every socket keeps `depth` datagrams in flight, each
// answer starts the next. Mode receive: the server answers every 32nd datagram with a count,
// and `depth` is how many it may be behind. Prints datagrams per second, latencies and the
// server's CPU per datagram, measured between two moments at which the server had nothing to
// do.
#include "common.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace {

constexpr std::size_t batch = 256;
constexpr int patience_ms = 3000;
constexpr unsigned settle_ms = 5;
constexpr std::uint64_t datagrams_per_answer = 32;

struct outcome {
    std::uint64_t datagrams;
    std::uint64_t elapsed_ns;
};

struct peer {
    load::descriptor socket;
    std::uint64_t in_flight = 0;
    std::uint64_t sent_at_ns = 0; // of depth 1: what the answer is to
};

class udp_load {
public:
    udp_load(std::size_t port,
             std::size_t sockets,
             std::size_t size,
             std::uint64_t depth,
             bool echo);

    outcome run(double seconds);

    [[nodiscard]] const load::histogram& latencies() const { return latencies_; }

private:
    void fill(peer& from);
    void take(peer& to);

    std::vector<std::byte> payload_;
    std::vector<std::byte> landing_;
    std::vector<peer> peers_;
    std::uint64_t depth_;
    std::uint64_t per_answer_;
    load::descriptor set_;
    load::histogram latencies_;
    std::uint64_t done_ = 0;
    std::uint64_t waiting_ = 0; // in flight, of all
    bool stopping_ = false;
};

udp_load::udp_load(std::size_t port,
                   std::size_t sockets,
                   std::size_t size,
                   std::uint64_t depth,
                   bool echo)
    : payload_(load::make_payload(size)), landing_(65536), depth_(depth),
      per_answer_(echo ? 1 : datagrams_per_answer), set_(epoll_create1(EPOLL_CLOEXEC)) {
    peers_.resize(sockets);
    for (peer& each : peers_) {
        each.socket = load::descriptor(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &each;
        if (connect(each.socket.get(), generic, sizeof address) < 0 ||
            epoll_ctl(set_.get(), EPOLL_CTL_ADD, each.socket.get(), &event) < 0) {
            load::fail("connect");
        }
    }
}

void udp_load::fill(peer& from) {
    // Answers come for whole groups only; what is in flight stays a multiple of them.
    while (!stopping_ && from.in_flight + per_answer_ <= depth_) {
        from.sent_at_ns = load::now_ns();
        for (std::uint64_t each = 0; each < per_answer_; ++each) {
            if (send(from.socket.get(), payload_.data(), payload_.size(), 0) < 0) {
                load::fail("send");
            }
        }
        from.in_flight += per_answer_;
        waiting_ += per_answer_;
    }
}

void udp_load::take(peer& to) {
    for (;;) {
        const ssize_t count =
            recv(to.socket.get(), landing_.data(), landing_.size(), MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) {
            return;
        }
        if (count < 0) {
            load::fail("recv");
        }
        const bool right =
            per_answer_ > 1 ||
            (static_cast<std::size_t>(count) == payload_.size() &&
             std::memcmp(landing_.data(), payload_.data(), payload_.size()) == 0);
        if (!right) {
            errno = 0;
            load::fail("the answer differs from the datagram");
        }
        if (depth_ == 1) {
            latencies_.add(load::now_ns() - to.sent_at_ns, 1);
        }
        to.in_flight -= per_answer_;
        waiting_ -= per_answer_;
        done_ += per_answer_;
        fill(to);
    }
}

outcome udp_load::run(double seconds) {
    latencies_.clear();
    done_ = 0;
    stopping_ = false;
    const std::uint64_t begin = load::now_ns();
    const auto end = begin + static_cast<std::uint64_t>(seconds * 1e9);
    for (peer& each : peers_) {
        fill(each);
    }
    std::array<epoll_event, batch> events{};
    while (waiting_ > 0) {
        const int count = epoll_wait(set_.get(), events.data(), batch, patience_ms);
        if (count <= 0 && errno != EINTR) {
            errno = ETIMEDOUT;
            load::fail("a datagram was lost");
        }
        for (const epoll_event& event :
             std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
            take(*static_cast<peer*>(event.data.ptr));
        }
        stopping_ = load::now_ns() >= end;
    }
    return {done_, load::now_ns() - begin};
}

} // namespace

int main(int argc, char** argv) {
    const load::options options(
        argc, argv, {"port", "connections", "size", "depth", "seconds", "server", "mode"});
    const double seconds = options.real("seconds", 1);
    const bool echo = options.text("mode", "echo") == "echo";
    const load::server_process server(options.number("server", 0));
    udp_load load(options.number("port", 0), options.number("connections", 1),
                  options.number("size", 64), options.number("depth", 1), echo);
    load.run(seconds / 5);
    load::sleep_ms(settle_ms);
    const std::uint64_t server_before = server.cpu_ns();
    const std::uint64_t own_before = load::own_cpu_ns();
    const outcome result = load.run(seconds);
    const std::uint64_t own_ns = load::own_cpu_ns() - own_before;
    load::sleep_ms(settle_ms);
    const std::uint64_t server_ns = server.cpu_ns() - server_before;

    const auto datagrams = static_cast<double>(std::max<std::uint64_t>(result.datagrams, 1));
    const auto elapsed = static_cast<double>(result.elapsed_ns);
    std::printf(
        "requests=%.0f seconds=%.3f rate=%.0f p50_us=%.1f p99_us=%.1f cpu_us=%.4f "
        "busy=%.2f load_busy=%.2f\n",
        datagrams, elapsed / 1e9, datagrams * 1e9 / elapsed, load.latencies().quantile_us(0.5),
        load.latencies().quantile_us(0.99), static_cast<double>(server_ns) / datagrams / 1e3,
        static_cast<double>(server_ns) / elapsed, static_cast<double>(own_ns) / elapsed);
    return 0;
}
