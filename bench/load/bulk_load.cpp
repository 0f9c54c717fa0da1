// The peer of the bulk servers, blocking, one connection. `--mode` is what the server does:
// "receive": we send, end the stream, and compare the server's count with ours;
// "send": we ask for a number of bytes and count what comes.
// Counts travel as 64-bit little-endian integers. Prints the server's CPU per KiB.
#include "common.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>

#include <sys/socket.h>

namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10;
constexpr std::size_t default_mib = 1024;
constexpr unsigned settle_ms = 5;

static_assert(std::endian::native == std::endian::little, "counts are sent as they lie");

class bulk_load {
public:
    bulk_load(std::size_t port, bool server_sends)
        : port_(port), server_sends_(server_sends), piece_(load::make_payload(piece_size)) {}

    void connect() { socket_ = load::connect_to(port_); }

    // Moves `total` bytes over the connection. A receiver's connection has then ended.
    void move(std::uint64_t total) {
        if (server_sends_) {
            fetch(total);
        } else {
            deliver(total);
        }
    }

private:
    void fetch(std::uint64_t total) {
        load::send_all(socket_, std::as_bytes(std::span(&total, 1)));
        while (total > 0) {
            const ssize_t count = recv(socket_.get(), piece_.data(), piece_.size(), 0);
            if (count <= 0 || static_cast<std::uint64_t>(count) > total) {
                load::fail("the server's bytes are fewer or more than asked for");
            }
            total -= static_cast<std::uint64_t>(count);
        }
    }

    void deliver(std::uint64_t total) {
        for (std::uint64_t left = total; left > 0;) {
            const std::size_t count = std::min<std::uint64_t>(left, piece_.size());
            load::send_all(socket_, std::span(piece_).first(count));
            left -= count;
        }
        if (shutdown(socket_.get(), SHUT_WR) < 0) {
            load::fail("shutdown");
        }
        std::uint64_t counted = 0;
        load::receive_all(socket_, std::as_writable_bytes(std::span(&counted, 1)));
        if (counted != total) {
            std::fprintf(stderr, "the server received %llu of %llu bytes\n",
                         static_cast<unsigned long long>(counted),
                         static_cast<unsigned long long>(total));
            std::exit(1);
        }
    }

    std::size_t port_;
    bool server_sends_;
    std::vector<std::byte> piece_;
    load::descriptor socket_;
};

} // namespace

int main(int argc, char** argv) {
    const load::options options(argc, argv, {"port", "mode", "mib", "server"});
    const std::string_view mode = options.text("mode", "receive");
    if (mode != "receive" && mode != "send") {
        std::fprintf(stderr, "%s: --mode is receive or send\n", argv[0]);
        return 2;
    }
    const std::uint64_t total = options.number("mib", default_mib) << 20;
    const load::server_process server(options.number("server", 0));

    bulk_load load(options.number("port", 0), mode == "send");
    load.connect();
    load.move(total / 8);
    load.connect();
    load::sleep_ms(settle_ms);
    const std::uint64_t server_before = server.cpu_ns();
    const std::uint64_t own_before = load::own_cpu_ns();
    const std::uint64_t begin = load::now_ns();
    load.move(total);
    const auto elapsed = static_cast<double>(load::now_ns() - begin);
    const std::uint64_t own_ns = load::own_cpu_ns() - own_before;
    load::sleep_ms(settle_ms);
    const std::uint64_t server_ns = server.cpu_ns() - server_before;

    const double mib = static_cast<double>(total) / (1 << 20);
    std::printf(
        "mib=%.0f seconds=%.3f rate=%.0f cpu_ns_per_kib=%.2f busy=%.2f load_busy=%.2f\n", mib,
        elapsed / 1e9, mib * 1e9 / elapsed, static_cast<double>(server_ns) / (mib * 1024),
        static_cast<double>(server_ns) / elapsed, static_cast<double>(own_ns) / elapsed);
    return 0;
}
