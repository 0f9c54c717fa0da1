// Names of addresses, of ports, and of names: what getnameinfo answers, and the canonical name
// of getaddrinfo. Asked by a worker, as in io/resolve.hpp.
#pragma once

#include "io/address.hpp"
#include "io/call.hpp"
#include "io/host_name.hpp"

#include <array>

#include <netdb.h>

namespace coring::io {

struct name_query {
    bool local = false;    // the host's name without the domain, for hosts of our own
    bool datagram = false; // the service's name for datagrams
    bool idn = false;      // names from Punycode to the encoding of the locale
};

// The names of a host and of its port, or of a port alone.
struct name_job final : call_job {
    enum class subject : std::uint8_t { host_and_port, port };

    name_job(loop::loop& on,
             subject wanted,
             const ip_address& of,
             const name_query& query) noexcept;

    // Once the answer is zero. A port without a name is its number; a host without one is a
    // failure.
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};

private:
    static int search(call_job& job) noexcept;
    static void end(call_job& job) noexcept;

    ip_address of_;
    name_query asked_;
    subject wanted_;
};

// Null when memory is short.
[[nodiscard]] name_job*
make_host_name_job(loop::loop& on, const ip_address& of, const name_query& query) noexcept;
[[nodiscard]] name_job*
make_port_name_job(loop::loop& on, std::uint16_t port, const name_query& query) noexcept;

// The canonical name of a host.
struct canonical_job final : call_job {
    explicit canonical_job(loop::loop& on) noexcept;
    canonical_job(const canonical_job&) = delete;
    canonical_job& operator=(const canonical_job&) = delete;
    canonical_job(canonical_job&&) = delete;
    canonical_job& operator=(canonical_job&&) = delete;
    ~canonical_job();

    // Once the answer is zero.
    [[nodiscard]] const char* name() const noexcept;

    std::array<char, host_name_room> asked{};

private:
    static int search(call_job& job) noexcept;
    static void end(call_job& job) noexcept;

    addrinfo* list_ = nullptr;
};

// Fails as make_address_job().
[[nodiscard]] base::result<canonical_job*> make_canonical_job(loop::loop& on,
                                                              const char* name) noexcept;

} // namespace coring::io
