// An IP address with its port, as the system's calls want it.
#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>

namespace coring::io {

enum class ip_version : std::uint8_t { v4, v6 };

// Plain data: it may live in memory that others own, and is copied freely.
class ip_address {
public:
    static constexpr std::size_t longest_text = INET6_ADDRSTRLEN;

    // The wildcard address with port zero.
    explicit ip_address(ip_version version) noexcept;

    [[nodiscard]] ip_version version() const noexcept {
        return storage_.any.sa_family == AF_INET6 ? ip_version::v6 : ip_version::v4;
    }

    // In host order.
    [[nodiscard]] std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;

    // The host's bytes in network order: 4 or 16.
    [[nodiscard]] std::span<const char> bytes() const noexcept;

    // Requires as many bytes as bytes() has.
    void set_bytes(std::string_view bytes) noexcept;

    // Takes the host from text such as 192.0.2.1 or 2001:db8::1; the zone of the latter is
    // dropped. Fails with EINVAL, leaving the address as it was.
    [[nodiscard]] base::result<void> set_literal(std::string_view text) noexcept;

    // The host as text, in the system's canonical form, written to `room`.
    [[nodiscard]] std::string_view literal(std::array<char, longest_text>& room) const noexcept;

    // Same version, port and host. The scope does not count.
    [[nodiscard]] bool equals(const ip_address& other) const noexcept;

    [[nodiscard]] const sockaddr* native() const noexcept { return &storage_.any; }

    [[nodiscard]] sockaddr* native() noexcept { return &storage_.any; }

    // The size native() has for this version.
    [[nodiscard]] socklen_t native_size() const noexcept;

    // The room there is behind native(), for calls that fill it.
    static constexpr socklen_t native_room = sizeof(sockaddr_in6);

private:
    union {
        sockaddr any;
        sockaddr_in v4;
        sockaddr_in6 v6;
    } storage_;
};

} // namespace coring::io
