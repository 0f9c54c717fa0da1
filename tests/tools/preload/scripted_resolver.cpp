// A resolver that does what the name asked for says, to be preloaded into a program:
//
//     gate.ANY      waits until somebody has COUTIL_TEST_GATE, a FIFO, open for writing; then
//                   it answers as 127.0.0.1 does
//     fail.N        answers -N, which is an EAI_ code
//     errno.N       answers that a system call failed, with errno N
//     raw.ANY       answers with nothing but an address for raw sockets
//     other         goes to the C library
//
// Addresses are asked for their names likewise: those of port 1 wait at the gate, those of port
// 2 answer EAI_AGAIN. Every name that comes here is noted as a line in COUTIL_TEST_GATE.log.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

extern "C" __attribute__((visibility("default"))) int
getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found);
extern "C" __attribute__((visibility("default"))) int getnameinfo(const sockaddr* address,
                                                                  socklen_t size,
                                                                  char* host,
                                                                  socklen_t host_size,
                                                                  char* service,
                                                                  socklen_t service_size,
                                                                  int flags);

namespace {

constexpr unsigned gate_port = 1;
constexpr unsigned failing_port = 2;

std::string gate() {
    const char* path = std::getenv("COUTIL_TEST_GATE"); // NOLINT(concurrency-mt-unsafe)
    return path != nullptr ? path : "/nonexistent";
}

// One write to the end of a file: lines of different threads do not mix.
void note(std::string line) {
    line += '\n';
    const int fd =
        ::open((gate() + ".log").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        static_cast<void>(!::write(fd, line.data(), line.size()));
        ::close(fd);
    }
}

void wait_at_gate() {
    int fd = -1;
    do {
        fd = ::open(gate().c_str(), O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd >= 0) {
        ::close(fd);
    }
}

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// What follows `prefix` in the name, or null if it begins otherwise.
const char* after(const char* name, std::string_view prefix) {
    return std::string_view{name}.starts_with(prefix) ? name + prefix.size() : nullptr;
}

unsigned port_of(const sockaddr* address) {
    return address->sa_family == AF_INET
               ? ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port)
               : 0;
}

} // namespace

extern "C" int
getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    auto* const real = next<decltype(getaddrinfo)>("getaddrinfo");
    if (name == nullptr) {
        return real(name, service, hints, found);
    }
    note(name);
    if (const char* number = after(name, "fail."); number != nullptr) {
        return -std::atoi(number);
    }
    if (const char* number = after(name, "errno."); number != nullptr) {
        errno = std::atoi(number);
        return EAI_SYSTEM;
    }
    if (after(name, "raw.") != nullptr) {
        addrinfo raw{};
        raw.ai_socktype = SOCK_RAW;
        return real("127.0.0.1", nullptr, &raw, found);
    }
    if (after(name, "gate.") != nullptr) {
        wait_at_gate();
        return real("127.0.0.1", service, hints, found);
    }
    return real(name, service, hints, found);
}

extern "C" int getnameinfo(const sockaddr* address,
                           socklen_t size,
                           char* host,
                           socklen_t host_size,
                           char* service,
                           socklen_t service_size,
                           int flags) {
    note("port " + std::to_string(port_of(address)));
    if (port_of(address) == failing_port) {
        return EAI_AGAIN;
    }
    if (port_of(address) == gate_port) {
        wait_at_gate();
    }
    return next<decltype(getnameinfo)>("getnameinfo")(address, size, host, host_size, service,
                                                      service_size, flags);
}
