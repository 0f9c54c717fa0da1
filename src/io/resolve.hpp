// Addresses of names: what getaddrinfo answers, asked by a worker, since a name server may take
// its time or never answer.
#pragma once

#include "io/address.hpp"
#include "io/call.hpp"

#include <span>

struct addrinfo; // netdb.h

namespace coring::io {

enum class families : std::uint8_t {
    configured,     // those the machine has addresses of
    both,           // whether it has some or not
    v4,             //
    v6,             //
    v6_and_mapped,  // IPv4 addresses too, as IPv6-mapped ones
    v6_else_mapped, // the mapped ones if there are no others
};

enum class transports : std::uint8_t { both, datagram, stream };

// What is searched. The texts are the caller's and are copied.
struct address_query {
    const char* name = nullptr;    // null: the loopback address
    const char* service = nullptr; // a name or number; null: port zero
    families among = families::configured;
    transports over = transports::both;
    bool wildcard = false; // the address to listen on, whatever the name
    bool numeric = false;  // the name is an address: looks nothing up
};

enum class purpose : std::uint8_t { datagram, stream, passive };

struct found_address {
    ip_address where;
    purpose good_for;
};

struct address_job final : call_job {
    explicit address_job(loop::loop& on) noexcept;
    address_job(const address_job&) = delete;
    address_job& operator=(const address_job&) = delete;
    address_job(address_job&&) = delete;
    address_job& operator=(address_job&&) = delete;
    ~address_job();

    address_query asked; // the texts lie behind the job

    // Once the answer is zero: in the resolver's order, and not empty.
    [[nodiscard]] std::span<const found_address> found() const noexcept {
        return {found_, count_};
    }

private:
    static int search(call_job& job) noexcept;
    static void end(call_job& job) noexcept;
    [[nodiscard]] int keep(const addrinfo* list) noexcept;

    found_address* found_ = nullptr;
    std::size_t count_ = 0;
};

// Fails with EINVAL for a name that is empty or too long, base::invalid_character for one that
// is no UTF-8, ENOMEM.
[[nodiscard]] base::result<address_job*> make_address_job(loop::loop& on,
                                                          const address_query& query) noexcept;

// Whether the answer may have to be waited for. If not, the job's body may run on the spot.
[[nodiscard]] bool may_block(const address_query& query) noexcept;

// Whether the text is an address itself.
[[nodiscard]] bool is_literal(const char* text) noexcept;

// Whether the service is a number, but none of a port.
[[nodiscard]] bool is_wrong_port(const char* service) noexcept;

// The negative code for an answer of the resolver, or for errno if that is what the answer
// refers to. Zero for zero.
[[nodiscard]] int code_of_answer(int eai) noexcept;

} // namespace coring::io
