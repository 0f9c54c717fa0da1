// The addresses of the network interfaces. (Manual: system.netinfo.)
#pragma once

#include "base/result.hpp"
#include "io/address.hpp"
#include "io/entry_list.hpp"

#include <array>

#include <net/if.h>

namespace coring::io {

using interface_name = std::array<char, IF_NAMESIZE>;

// An address that an interface has.
struct interface_address {
    interface_name name{};
    bool internal = false; // a loopback interface
    ip_address address{ip_version::v4};
    ip_address mask{ip_version::v4}; // of the same version
    std::array<char, 6> hardware{};  // zero for interfaces that have none
};

using interface_list = entry_list<interface_address>;

// The IPv4 and IPv6 addresses of the interfaces that are up and running, in the system's order.
[[nodiscard]] base::result<interface_list> list_interfaces() noexcept;

// How many bits of the mask are set before the first that is not.
[[nodiscard]] int prefix_length(const ip_address& mask) noexcept;

// The name of an interface by its index, which is not above 2^31 - 1. Zero or an errno: ENXIO
// if there is none.
[[nodiscard]] int name_interface(unsigned index, interface_name& name) noexcept;

} // namespace coring::io
