#include "io/resolve.hpp"

#include "base/errc.hpp"
#include "io/host_name.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include <arpa/inet.h>
#include <netdb.h>

namespace coring::io {

namespace {

constexpr long long highest_port = 65535;

addrinfo hints_of(const address_query& query) noexcept {
    addrinfo hints{};
    switch (query.among) {
    case families::configured:
        hints.ai_family = AF_UNSPEC;
        hints.ai_flags = AI_ADDRCONFIG;
        break;
    case families::both:
        hints.ai_family = AF_UNSPEC;
        break;
    case families::v4:
        hints.ai_family = AF_INET;
        break;
    case families::v6:
        hints.ai_family = AF_INET6;
        break;
    case families::v6_and_mapped:
        hints.ai_family = AF_INET6;
        hints.ai_flags = AI_V4MAPPED | AI_ALL;
        break;
    case families::v6_else_mapped:
        hints.ai_family = AF_INET6;
        hints.ai_flags = AI_V4MAPPED;
        break;
    }
    switch (query.over) {
    case transports::both:
        break; // the resolver then also says raw, which is left out
    case transports::datagram:
        hints.ai_socktype = SOCK_DGRAM;
        break;
    case transports::stream:
        hints.ai_socktype = SOCK_STREAM;
        break;
    }
    hints.ai_flags |= (query.wildcard ? AI_PASSIVE : 0) | (query.numeric ? AI_NUMERICHOST : 0);
    return hints;
}

// Whether sockets of ours can use it.
bool is_usable(const addrinfo& found) noexcept {
    const bool known_family = found.ai_family == AF_INET || found.ai_family == AF_INET6;
    return known_family &&
           (found.ai_socktype == SOCK_STREAM || found.ai_socktype == SOCK_DGRAM);
}

// With the scope of a link-local address.
ip_address address_of(const addrinfo& found) noexcept {
    ip_address address{found.ai_family == AF_INET6 ? ip_version::v6 : ip_version::v4};
    std::memcpy(address.native(), found.ai_addr, address.native_size());
    return address;
}

// The number that all of the text spells, as the resolver reads it.
struct spelled_number {
    bool is_number;
    long long value;
};

spelled_number number_of(const char* text) noexcept {
    char* end = nullptr;
    const long long value = std::strtoll(text, &end, 10); // clamps what is out of its range
    return {end != text && *end == '\0', value};
}

} // namespace

address_job::address_job(loop::loop& on) noexcept : call_job{on, search, end} {}

address_job::~address_job() {
    std::free(found_);
}

int address_job::search(call_job& job) noexcept {
    auto& self = static_cast<address_job&>(job);
    const addrinfo hints = hints_of(self.asked);
    addrinfo* list = nullptr;
    const int answer =
        code_of_answer(::getaddrinfo(self.asked.name, self.asked.service, &hints, &list));
    if (answer != 0) {
        return answer;
    }
    const int kept = self.keep(list);
    ::freeaddrinfo(list);
    return kept;
}

int address_job::keep(const addrinfo* list) noexcept {
    std::size_t usable = 0;
    for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
        usable += is_usable(*at) ? 1U : 0U;
    }
    if (usable == 0) {
        return -EAFNOSUPPORT;
    }
    found_ = static_cast<found_address*>(std::malloc(usable * sizeof(found_address)));
    if (found_ == nullptr) {
        return -base::resolver_no_memory;
    }
    const purpose of_streams = asked.wildcard ? purpose::passive : purpose::stream;
    for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
        if (is_usable(*at)) {
            new (found_ + count_)
                found_address{address_of(*at),
                              at->ai_socktype == SOCK_DGRAM ? purpose::datagram : of_streams};
            ++count_;
        }
    }
    return 0;
}

void address_job::end(call_job& job) noexcept {
    auto& self = static_cast<address_job&>(job);
    self.~address_job();
    std::free(&self);
}

base::result<address_job*> make_address_job(loop::loop& on,
                                            const address_query& query) noexcept {
    std::array<char, host_name_room> room{};
    std::string_view name;
    if (query.name != nullptr && !query.wildcard) {
        auto converted = host_name_in_ascii(query.name, room);
        if (!converted) {
            return base::failure{converted.error()};
        }
        name = converted.value();
    }
    const std::size_t name_size = name.size() + 1;
    const std::size_t service_size =
        query.service != nullptr ? std::strlen(query.service) + 1 : 0;
    void* const block = std::malloc(sizeof(address_job) + name_size + service_size);
    if (block == nullptr) {
        return base::failure{ENOMEM};
    }
    auto* const job = new (block) address_job{on};
    char* const texts = reinterpret_cast<char*>(job + 1);
    job->asked = query;
    job->asked.name = nullptr;
    job->asked.service = nullptr;
    if (!name.empty()) {
        job->asked.name = static_cast<char*>(std::memcpy(texts, room.data(), name_size));
    }
    if (service_size > 0) {
        job->asked.service =
            static_cast<char*>(std::memcpy(texts + name_size, query.service, service_size));
    }
    return job;
}

bool may_block(const address_query& query) noexcept {
    const bool host_is_known =
        query.name == nullptr || query.wildcard || query.numeric || is_literal(query.name);
    const bool port_is_known = query.service == nullptr || *query.service == '\0' ||
                               number_of(query.service).is_number;
    return !host_is_known || !port_is_known;
}

bool is_literal(const char* text) noexcept {
    in6_addr unused{};
    return ::inet_pton(AF_INET, text, &unused) == 1 ||
           ::inet_pton(AF_INET6, text, &unused) == 1;
}

bool is_wrong_port(const char* service) noexcept {
    const spelled_number port = number_of(service);
    return port.is_number && (port.value < 0 || port.value > highest_port);
}

int code_of_answer(int eai) noexcept {
    if (eai == 0) {
        return 0;
    }
    if (eai == EAI_SYSTEM) {
        return errno != 0 ? -errno : -base::unknown_error;
    }
    return -base::resolver_code(eai);
}

} // namespace coring::io
