// Closed-loop echo load: every connection sends `depth` messages in one write, waits for all
// answers, and starts over. Prints requests per second, latencies and the server's CPU per
// request, measured between two moments at which the server had nothing to do.
#include "common.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace {

constexpr std::size_t batch = 256;
constexpr std::size_t landing_size = std::size_t{256} << 10;
constexpr int patience_ms = 5000;
constexpr unsigned settle_ms = 5;

struct connection {
    load::descriptor socket;
    std::size_t unsent = 0;
    std::size_t unread = 0;
    std::uint64_t sent_at_ns = 0;
    bool wants_write = false;
};

struct outcome {
    std::uint64_t requests;
    std::uint64_t elapsed_ns;
};

class echo_load {
public:
    echo_load(std::size_t port, std::size_t connections, std::size_t size, std::size_t depth);

    // Keeps all connections busy until the time is over or `requests` were started, then
    // waits for the answers still due.
    outcome run(double seconds, std::uint64_t requests);

    [[nodiscard]] const load::histogram& latencies() const { return latencies_; }

private:
    [[nodiscard]] bool may_start() const { return !stopping_ && started_ < limit_; }

    void start(connection& peer, std::uint64_t now);
    void transmit(connection& peer);
    void receive(connection& peer);
    void finish_messages(connection& peer, std::size_t count);
    void watch(connection& peer, int operation, bool wants_write);

    std::size_t size_;
    std::size_t depth_;
    std::vector<std::byte> payload_;
    std::vector<std::byte> landing_;
    std::vector<connection> peers_;
    load::descriptor set_;
    load::histogram latencies_;
    std::uint64_t limit_ = 0;
    std::uint64_t started_ = 0;
    std::uint64_t done_ = 0;
    std::size_t busy_ = 0;
    bool stopping_ = false;
};

echo_load::echo_load(std::size_t port,
                     std::size_t connections,
                     std::size_t size,
                     std::size_t depth)
    : size_(size), depth_(depth), payload_(load::make_payload(size * depth)),
      landing_(landing_size), set_(epoll_create1(EPOLL_CLOEXEC)) {
    for (load::descriptor& socket : load::open_connections(port, connections, payload_)) {
        peers_.emplace_back().socket = std::move(socket);
    }
    for (connection& peer : peers_) {
        watch(peer, EPOLL_CTL_ADD, false);
    }
}

void echo_load::watch(connection& peer, int operation, bool wants_write) {
    epoll_event event{};
    event.events = wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &peer;
    if (epoll_ctl(set_.get(), operation, peer.socket.get(), &event) < 0) {
        load::fail("epoll_ctl");
    }
    peer.wants_write = wants_write;
}

void echo_load::start(connection& peer, std::uint64_t now) {
    peer.unsent = payload_.size();
    peer.unread = payload_.size();
    peer.sent_at_ns = now;
    started_ += depth_;
    ++busy_;
    transmit(peer);
}

void echo_load::transmit(connection& peer) {
    const std::span<const std::byte> rest = std::span(payload_).last(peer.unsent);
    const ssize_t count =
        send(peer.socket.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) {
        load::fail("send");
    }
    peer.unsent -= count > 0 ? static_cast<std::size_t>(count) : 0;
    if (peer.wants_write != (peer.unsent > 0)) {
        watch(peer, EPOLL_CTL_MOD, peer.unsent > 0);
    }
}

void echo_load::receive(connection& peer) {
    const ssize_t result =
        recv(peer.socket.get(), landing_.data(), landing_.size(), MSG_DONTWAIT);
    if (result < 0 && errno == EAGAIN) {
        return;
    }
    if (result <= 0) {
        load::fail("the server ended a connection");
    }
    const auto count = static_cast<std::size_t>(result);
    if (count > peer.unread) {
        errno = 0;
        load::fail("the server answered more bytes than were sent");
    }
    finish_messages(peer, count);
}

void echo_load::finish_messages(connection& peer, std::size_t count) {
    const std::size_t due = (peer.unread + size_ - 1) / size_;
    peer.unread -= count;
    const std::size_t still_due = (peer.unread + size_ - 1) / size_;
    if (due == still_due) {
        return;
    }
    const std::uint64_t now = load::now_ns();
    latencies_.add(now - peer.sent_at_ns, due - still_due);
    done_ += due - still_due;
    if (peer.unread == 0) {
        --busy_;
        if (may_start()) {
            start(peer, now);
        }
    }
}

outcome echo_load::run(double seconds, std::uint64_t requests) {
    latencies_.clear();
    limit_ = requests;
    started_ = 0;
    done_ = 0;
    stopping_ = false;
    const std::uint64_t begin = load::now_ns();
    const auto end = begin + static_cast<std::uint64_t>(seconds * 1e9);
    for (connection& peer : peers_) {
        if (may_start()) {
            start(peer, load::now_ns());
        }
    }
    std::array<epoll_event, batch> events{};
    while (busy_ > 0) {
        const int count = epoll_wait(set_.get(), events.data(), batch, patience_ms);
        if (count < 0 && errno != EINTR) {
            load::fail("epoll_wait");
        }
        if (count == 0) {
            errno = ETIMEDOUT;
            load::fail("no answer from the server");
        }
        for (const epoll_event& event :
             std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
            auto& peer = *static_cast<connection*>(event.data.ptr);
            if ((event.events & EPOLLOUT) != 0) {
                transmit(peer);
            }
            if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) {
                receive(peer);
            }
        }
        stopping_ = load::now_ns() >= end;
    }
    return {done_, load::now_ns() - begin};
}

} // namespace

int main(int argc, char** argv) {
    const load::options options(
        argc, argv, {"port", "connections", "size", "depth", "seconds", "requests", "server"});
    const std::size_t unlimited = std::numeric_limits<std::size_t>::max();
    const std::size_t depth = std::max<std::size_t>(options.number("depth", 1), 1);
    const std::size_t size = std::max<std::size_t>(options.number("size", 64), 1);
    const double seconds = options.real("seconds", 1);
    const load::server_process server(options.number("server", 0));

    echo_load load(options.number("port", 0), options.number("connections", 1), size, depth);
    load.run(seconds / 5, unlimited);
    load::sleep_ms(settle_ms);
    const std::uint64_t server_before = server.cpu_ns();
    const std::uint64_t own_before = load::own_cpu_ns();
    const outcome result = load.run(seconds, options.number("requests", unlimited));
    const std::uint64_t own_ns = load::own_cpu_ns() - own_before;
    load::sleep_ms(settle_ms);
    const std::uint64_t server_ns = server.cpu_ns() - server_before;

    const auto requests = static_cast<double>(std::max<std::uint64_t>(result.requests, 1));
    const auto elapsed = static_cast<double>(result.elapsed_ns);
    std::printf(
        "requests=%.0f seconds=%.3f rate=%.0f p50_us=%.1f p99_us=%.1f cpu_us=%.4f "
        "round_trip_us=%.3f busy=%.2f load_busy=%.2f\n",
        requests, elapsed / 1e9, requests * 1e9 / elapsed, load.latencies().quantile_us(0.5),
        load.latencies().quantile_us(0.99), static_cast<double>(server_ns) / requests / 1e3,
        elapsed / 1e3 * static_cast<double>(depth) / requests,
        static_cast<double>(server_ns) / elapsed, static_cast<double>(own_ns) / elapsed);
    return 0;
}
