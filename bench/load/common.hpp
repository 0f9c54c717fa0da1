// What the load generators share: failure, options, descriptors, clocks, the latency
// histogram, and looks at the server's process. One thread, Linux only, loopback only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace load {

// Ends the program with `what` and, if errno is set, its text.
[[noreturn]] void fail(std::string_view what);

std::uint64_t now_ns();

// CPU time of this process: tells whether the load or the server was the bottleneck.
std::uint64_t own_cpu_ns();

void sleep_ms(unsigned milliseconds);

// Owns a descriptor.
class descriptor {
public:
    descriptor() = default;

    explicit descriptor(int number) : number_(number) {}

    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor();

    [[nodiscard]] int get() const { return number_; }

private:
    int number_ = -1;
};

// Options of the form `--name value`. Unknown ones and missing values end the program.
class options {
public:
    options(int argc, char** argv, std::initializer_list<std::string_view> known);

    [[nodiscard]] std::string_view text(std::string_view name, std::string_view fallback) const;
    [[nodiscard]] std::size_t number(std::string_view name, std::size_t fallback) const;
    [[nodiscard]] double real(std::string_view name, double fallback) const;

private:
    std::vector<std::pair<std::string_view, std::string_view>> given_;
};

// Counts durations in buckets whose width is at most 1/32 of their value.
class histogram {
public:
    void add(std::uint64_t nanoseconds, std::uint64_t count);

    void clear() { buckets_.fill(0); }

    // The duration, in microseconds, that a share of `quantile` (0 to 1) did not exceed.
    [[nodiscard]] double quantile_us(double quantile) const;

private:
    static constexpr unsigned sub_bits = 5;
    static constexpr std::size_t bucket_count = std::size_t{64} << sub_bits;

    std::array<std::uint64_t, bucket_count> buckets_{};
};

// The server as the kernel's statistics show it. Without a process id all figures are zero.
class server_process {
public:
    explicit server_process(std::size_t pid) : pid_(pid) {}

    // CPU time of all threads alive, as the scheduler counts it. Exact while they sleep.
    [[nodiscard]] std::uint64_t cpu_ns() const;

    // Resident memory, counted page by page and not from the kernel's estimate.
    [[nodiscard]] std::uint64_t resident_kib() const;

private:
    std::size_t pid_;
};

// The bytes that messages are made of; not all equal, so that a shifted answer shows.
std::vector<std::byte> make_payload(std::size_t size);

// Connects to 127.0.0.1, blocking, with TCP_NODELAY and a limit of some seconds on every
// blocking call. Closing resets the connection, so that runs leave no TIME_WAIT behind. If
// BENCH_PATH is set, connects to the local socket there instead.
descriptor connect_to(std::size_t port);

void send_all(const descriptor& socket, std::span<const std::byte> bytes);

// Fills `bytes`; ends the program if the stream ends before.
void receive_all(const descriptor& socket, std::span<std::byte> bytes);

// Opens `count` connections in waves, with one verified echo of `message` on each: a backlog
// can then neither overflow nor hide a server that does not answer.
std::vector<descriptor>
open_connections(std::size_t port, std::size_t count, std::span<const std::byte> message);

} // namespace load
