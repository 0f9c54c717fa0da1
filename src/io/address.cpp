#include "io/address.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>

namespace coring::io {

ip_address::ip_address(ip_version version) noexcept : storage_{} {
    std::memset(&storage_, 0, sizeof storage_);
    storage_.any.sa_family = version == ip_version::v6 ? AF_INET6 : AF_INET;
}

std::uint16_t ip_address::port() const noexcept {
    return ntohs(version() == ip_version::v6 ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

void ip_address::set_port(std::uint16_t port) noexcept {
    if (version() == ip_version::v6) {
        storage_.v6.sin6_port = htons(port);
    } else {
        storage_.v4.sin_port = htons(port);
    }
}

std::span<const char> ip_address::bytes() const noexcept {
    if (version() == ip_version::v6) {
        return {reinterpret_cast<const char*>(&storage_.v6.sin6_addr), 16};
    }
    return {reinterpret_cast<const char*>(&storage_.v4.sin_addr), 4};
}

void ip_address::set_bytes(std::string_view bytes) noexcept {
    CORING_ASSERT(bytes.size() == this->bytes().size());
    if (version() == ip_version::v6) {
        std::memcpy(&storage_.v6.sin6_addr, bytes.data(), 16);
        storage_.v6.sin6_scope_id = 0;
    } else {
        std::memcpy(&storage_.v4.sin_addr, bytes.data(), 4);
    }
}

base::result<void> ip_address::set_literal(std::string_view text) noexcept {
    std::array<char, 64> copy{};
    if (version() == ip_version::v6) {
        text = text.substr(0, text.find('%'));
    }
    if (text.size() >= copy.size()) {
        return base::failure{EINVAL};
    }
    std::copy(text.begin(), text.end(), copy.begin());
    std::array<char, 16> host{};
    if (::inet_pton(storage_.any.sa_family, copy.data(), host.data()) != 1) {
        return base::failure{EINVAL};
    }
    set_bytes({host.data(), bytes().size()});
    return {};
}

std::string_view ip_address::literal(std::array<char, longest_text>& room) const noexcept {
    const char* text = ::inet_ntop(storage_.any.sa_family, bytes().data(), room.data(),
                                   static_cast<socklen_t>(room.size()));
    return text != nullptr ? std::string_view{text} : std::string_view{};
}

bool ip_address::equals(const ip_address& other) const noexcept {
    const std::span<const char> mine = bytes();
    const std::span<const char> theirs = other.bytes();
    return version() == other.version() && port() == other.port() &&
           std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end());
}

socklen_t ip_address::native_size() const noexcept {
    return version() == ip_version::v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

} // namespace coring::io
