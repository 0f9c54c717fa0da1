#include "io/interfaces.hpp"

#include "base/unique_fd.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string_view>

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <sys/ioctl.h>

namespace coring::io {

namespace {

bool is_live(const ifaddrs& entry) noexcept {
    constexpr unsigned live = IFF_UP | IFF_RUNNING;
    return entry.ifa_addr != nullptr && (entry.ifa_flags & live) == live;
}

bool is_ip(const ifaddrs& entry) noexcept {
    return entry.ifa_addr->sa_family == AF_INET || entry.ifa_addr->sa_family == AF_INET6;
}

// An IPv4 address may have a label of its own, which begins with the interface's name and a
// colon; no name has a colon.
std::string_view interface_of(const char* name) noexcept {
    const std::string_view label{name};
    return label.substr(0, label.find(':'));
}

// Only the host's bytes: what else is in there is of no use, and in masks not always set.
void copy_host(const sockaddr* from, ip_address& to) noexcept {
    if (from != nullptr) {
        const std::size_t offset = to.version() == ip_version::v6
                                       ? offsetof(sockaddr_in6, sin6_addr)
                                       : offsetof(sockaddr_in, sin_addr);
        to.set_bytes({reinterpret_cast<const char*>(from) + offset, to.bytes().size()});
    }
}

// The hardware address is in an entry of its own, which need not come first.
void find_hardware(const ifaddrs* all, interface_address& of) noexcept {
    const std::string_view name = interface_of(of.name.data());
    for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_PACKET &&
            name == each->ifa_name) {
            sockaddr_ll link{};
            std::memcpy(&link, each->ifa_addr, sizeof link);
            std::memcpy(of.hardware.data(), link.sll_addr, of.hardware.size());
            return;
        }
    }
}

interface_address describe(const ifaddrs& entry, const ifaddrs* all) noexcept {
    const ip_version version =
        entry.ifa_addr->sa_family == AF_INET6 ? ip_version::v6 : ip_version::v4;
    interface_address found;
    const std::string_view name =
        std::string_view{entry.ifa_name}.substr(0, found.name.size() - 1);
    std::copy(name.begin(), name.end(), found.name.begin());
    found.internal = (entry.ifa_flags & IFF_LOOPBACK) != 0;
    found.address = ip_address{version};
    found.mask = ip_address{version};
    copy_host(entry.ifa_addr, found.address);
    copy_host(entry.ifa_netmask, found.mask);
    find_hardware(all, found);
    return found;
}

} // namespace

base::result<interface_list> list_interfaces() noexcept {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) {
        return base::failure{errno};
    }
    interface_list found;
    bool room = true;
    for (const ifaddrs* each = all; each != nullptr && room; each = each->ifa_next) {
        if (is_live(*each) && is_ip(*each)) {
            room = found.add(describe(*each, all));
        }
    }
    ::freeifaddrs(all);
    if (!room) {
        return base::failure{ENOMEM};
    }
    return found;
}

int prefix_length(const ip_address& mask) noexcept {
    int length = 0;
    for (const char byte : mask.bytes()) {
        const int ones = std::countl_one(static_cast<unsigned char>(byte));
        length += ones;
        if (ones < 8) {
            break;
        }
    }
    return length;
}

// As if_indextoname(3), which tells nothing useful when there is no descriptor left.
int name_interface(unsigned index, interface_name& name) noexcept {
    const base::unique_fd any{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!any.valid()) {
        return errno;
    }
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(index);
    if (::ioctl(any.get(), SIOCGIFNAME, &request) != 0) {
        return errno == ENODEV ? ENXIO : errno;
    }
    std::copy_n(std::begin(request.ifr_name), name.size(), name.begin());
    name.back() = '\0';
    return 0;
}

} // namespace coring::io
