// Opens many connections to an echo server, one echo on each, and prints by how much the
// server's resident memory grew for each. With `--hold 1` it keeps them until its standard
// input ends.
#include "common.hpp"

#include <cstdio>

#include <sys/resource.h>
#include <unistd.h>

namespace {

constexpr std::size_t spare_descriptors = 64;
constexpr std::size_t warm_connections = 64;
constexpr unsigned settle_ms = 200;

void raise_descriptor_limit(std::size_t wanted) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        load::fail("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < wanted || setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        load::fail("too few descriptors allowed");
    }
}

void wait_for_end_of_input() {
    std::array<char, 256> ignored{};
    while (read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
    }
}

} // namespace

int main(int argc, char** argv) {
    const load::options options(argc, argv, {"port", "connections", "size", "server", "hold"});
    const std::size_t port = options.number("port", 0);
    const std::size_t count = options.number("connections", 10000);
    const load::server_process server(options.number("server", 0));
    const std::vector<std::byte> message = load::make_payload(options.number("size", 64));
    raise_descriptor_limit(count + warm_connections + spare_descriptors);

    // The first connections bring in code and tables that all later ones share.
    const auto warm = load::open_connections(port, warm_connections, message);
    load::sleep_ms(settle_ms);
    const std::uint64_t resident_before = server.resident_kib();
    const std::uint64_t cpu_before = server.cpu_ns();
    const auto connections = load::open_connections(port, count, message);
    load::sleep_ms(settle_ms);
    const std::uint64_t resident_after = server.resident_kib();
    const std::uint64_t cpu_ns = server.cpu_ns() - cpu_before;

    const auto growth =
        static_cast<double>(resident_after) - static_cast<double>(resident_before);
    std::printf("connections=%zu kib_per_connection=%.4f rss_mib=%.1f cpu_us=%.2f\n", count,
                growth / static_cast<double>(count), static_cast<double>(resident_after) / 1024,
                static_cast<double>(cpu_ns) / 1e3 / static_cast<double>(count));
    std::fflush(stdout);
    if (options.number("hold", 0) != 0) {
        wait_for_end_of_input();
    }
    return 0;
}
