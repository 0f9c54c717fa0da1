// Multicast groups and interfaces of datagram sockets, named by literals of hosts: an interface
// of IPv4 by its address, one of IPv6 by the zone of any literal. What is no such literal, and
// a zone that does not exist, fails with EINVAL. (Manual: socket:setoption. Kernel: ip(7),
// ipv6(7).)
#pragma once

#include "io/socket.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <net/if.h>

namespace coring::io {

// Room for a literal with a zone.
using interface_room = std::array<char, ip_address::longest_text + 1 + IF_NAMESIZE>;

// From where groups are sent to: IP_MULTICAST_IF or IPV6_MULTICAST_IF, as the literal has it.
// No literal leaves the choice to the system.
[[nodiscard]] base::result<void>
set_multicast_interface(const socket& of, std::optional<std::string_view> literal) noexcept;

// A literal for which the setter does the same, written to `room`; empty for the system's
// choice.
[[nodiscard]] base::result<std::string_view> multicast_interface(const socket& of,
                                                                 interface_room& room) noexcept;

enum class membership : std::uint8_t { join, leave };

// Literals, all of the IP version that the group's is of.
struct multicast_group {
    std::string_view group;
    std::optional<std::string_view> interface; // else the system chooses
    std::optional<std::string_view> source;    // else everybody
};

[[nodiscard]] base::result<void>
change_membership(const socket& of, membership what, const multicast_group& in) noexcept;

} // namespace coring::io
