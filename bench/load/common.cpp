// See common.hpp.
#include "common.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace load {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr time_t patience_s = 10;
constexpr std::size_t wave = 64;

struct close_file {
    void operator()(FILE* file) const { std::fclose(file); }
};

struct close_directory {
    void operator()(DIR* directory) const { closedir(directory); }
};

using file_handle = std::unique_ptr<FILE, close_file>;
using directory_handle = std::unique_ptr<DIR, close_directory>;

std::uint64_t read_clock(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * second_ns +
           static_cast<std::uint64_t>(now.tv_nsec);
}

void set_option(int socket, int level, int name, const void* value, socklen_t size) {
    if (setsockopt(socket, level, name, value, size) < 0) {
        fail("setsockopt");
    }
}

} // namespace

void fail(std::string_view what) {
    const int error = errno;
    std::fprintf(stderr, "%.*s%s%s\n", static_cast<int>(what.size()), what.data(),
                 error != 0 ? ": " : "", error != 0 ? std::strerror(error) : "");
    std::exit(1);
}

std::uint64_t now_ns() {
    return read_clock(CLOCK_MONOTONIC);
}

std::uint64_t own_cpu_ns() {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void sleep_ms(unsigned milliseconds) {
    timespec left{.tv_sec = milliseconds / 1000,
                  .tv_nsec = static_cast<long>(milliseconds % 1000) * 1'000'000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

descriptor::~descriptor() {
    if (number_ >= 0) {
        close(number_);
    }
}

options::options(int argc, char** argv, std::initializer_list<std::string_view> known) {
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    for (std::size_t i = 1; i < arguments.size(); i += 2) {
        const std::string_view name = arguments[i];
        const bool is_known =
            name.starts_with("--") &&
            std::find(known.begin(), known.end(), name.substr(2)) != known.end();
        if (!is_known || i + 1 == arguments.size()) {
            std::fprintf(stderr, "%s: unknown option or no value: %s\n", argv[0], arguments[i]);
            std::exit(2);
        }
        given_.emplace_back(name.substr(2), arguments[i + 1]);
    }
}

std::string_view options::text(std::string_view name, std::string_view fallback) const {
    for (const auto& [given, value] : given_) {
        if (given == name) {
            return value;
        }
    }
    return fallback;
}

std::size_t options::number(std::string_view name, std::size_t fallback) const {
    const std::string_view given = text(name, "");
    std::size_t value = fallback;
    const char* const end = given.data() + given.size();
    const auto result = std::from_chars(given.data(), end, value);
    if (!given.empty() && (result.ec != std::errc{} || result.ptr != end)) {
        errno = EINVAL;
        fail(name);
    }
    return value;
}

double options::real(std::string_view name, double fallback) const {
    const std::string given(text(name, ""));
    if (given.empty()) {
        return fallback;
    }
    char* end = nullptr;
    const double value = std::strtod(given.c_str(), &end);
    if (*end != '\0' || value < 0) {
        errno = EINVAL;
        fail(name);
    }
    return value;
}

void histogram::add(std::uint64_t nanoseconds, std::uint64_t count) {
    // Below 2^sub_bits a bucket is one nanosecond wide; above, the leading bits choose.
    const auto width = static_cast<unsigned>(std::bit_width(nanoseconds));
    const unsigned shift = width > sub_bits + 1 ? width - sub_bits - 1 : 0;
    buckets_[(std::size_t{shift} << sub_bits) + (nanoseconds >> shift)] += count;
}

double histogram::quantile_us(double quantile) const {
    std::uint64_t total = 0;
    for (const std::uint64_t count : buckets_) {
        total += count;
    }
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < buckets_.size(); ++index) {
        seen += buckets_[index];
        if (seen > 0 && static_cast<double>(seen) >= quantile * static_cast<double>(total)) {
            const std::size_t group = index >> sub_bits;
            const std::size_t shift = group > 0 ? group - 1 : 0;
            const std::size_t upper = (index - (shift << sub_bits) + 1) << shift;
            return static_cast<double>(upper) / 1000;
        }
    }
    return 0;
}

std::uint64_t server_process::cpu_ns() const {
    if (pid_ == 0) {
        return 0;
    }
    const std::string path = "/proc/" + std::to_string(pid_) + "/task";
    const directory_handle tasks(opendir(path.c_str()));
    if (!tasks) {
        fail("the server is gone");
    }
    std::uint64_t total = 0;
    while (const dirent* entry = readdir(tasks.get())) {
        // The entry ".." would lead to the statistics of the first thread once more.
        if (entry->d_name[0] == '.') {
            continue;
        }
        const file_handle file(
            std::fopen((path + "/" + entry->d_name + "/schedstat").c_str(), "re"));
        std::uint64_t spent = 0;
        if (file && std::fscanf(file.get(), "%" SCNu64, &spent) == 1) {
            total += spent;
        }
    }
    return total;
}

std::uint64_t server_process::resident_kib() const {
    if (pid_ == 0) {
        return 0;
    }
    const std::string path = "/proc/" + std::to_string(pid_) + "/smaps_rollup";
    const file_handle file(std::fopen(path.c_str(), "re"));
    if (!file) {
        fail("smaps_rollup of the server");
    }
    std::array<char, 256> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), file.get()) != nullptr) {
        std::uint64_t resident = 0;
        if (std::sscanf(line.data(), "Rss: %" SCNu64, &resident) == 1) {
            return resident;
        }
    }
    fail("no resident size in smaps_rollup");
}

std::vector<std::byte> make_payload(std::size_t size) {
    std::vector<std::byte> payload(size);
    for (std::size_t i = 0; i < size; ++i) {
        payload[i] = static_cast<std::byte>((i * 31 + i / 251) & 0xFF);
    }
    return payload;
}

namespace {

descriptor connect_at(std::string_view path) {
    descriptor connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = patience_s, .tv_usec = 0};
    set_option(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    set_option(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (connect(connection.get(), generic, sizeof address) < 0) {
        fail("connect");
    }
    return connection;
}

} // namespace

descriptor connect_to(std::size_t port) {
    if (const char* path = std::getenv("BENCH_PATH"); path != nullptr) {
        return connect_at(path);
    }
    descriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connection.get() < 0) {
        fail("socket");
    }
    const int on = 1;
    const timeval patience{.tv_sec = patience_s, .tv_usec = 0};
    const linger reset{.l_onoff = 1, .l_linger = 0};
    set_option(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    set_option(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    set_option(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    set_option(connection.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The socket interface takes every family of addresses through one pointer type.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (connect(connection.get(), generic, sizeof address) < 0) {
        fail("connect");
    }
    return connection;
}

void send_all(const descriptor& socket, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            fail("send");
        }
        bytes = bytes.subspan(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
}

void receive_all(const descriptor& socket, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = recv(socket.get(), bytes.data(), bytes.size(), 0);
        if (count == 0) {
            errno = 0;
            fail("the server ended the stream early");
        }
        if (count < 0 && errno != EINTR) {
            fail("recv");
        }
        bytes = bytes.subspan(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
}

std::vector<descriptor>
open_connections(std::size_t port, std::size_t count, std::span<const std::byte> message) {
    std::vector<descriptor> connections;
    std::vector<std::byte> answer(message.size());
    connections.reserve(count);
    while (connections.size() < count) {
        const std::size_t first = connections.size();
        const std::size_t last = std::min(count, first + wave);
        while (connections.size() < last) {
            connections.push_back(connect_to(port));
            send_all(connections.back(), message);
        }
        for (std::size_t i = first; i < last; ++i) {
            receive_all(connections[i], answer);
            if (!std::equal(answer.begin(), answer.end(), message.begin())) {
                errno = 0;
                fail("the answer differs from the message");
            }
        }
    }
    return connections;
}

} // namespace load
