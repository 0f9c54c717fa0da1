#include "io/multicast.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>

namespace coring::io {

namespace {

constexpr unsigned any_interface = 0;
constexpr std::string_view any_address = "0.0.0.0";

std::optional<ip_address> parse(ip_version version, std::string_view literal) noexcept {
    ip_address host{version};
    return host.set_literal(literal) ? std::optional{host} : std::nullopt;
}

in_addr v4_of(const ip_address& host) noexcept {
    return reinterpret_cast<const sockaddr_in*>(host.native())->sin_addr;
}

in6_addr v6_of(const ip_address& host) noexcept {
    return reinterpret_cast<const sockaddr_in6*>(host.native())->sin6_addr;
}

// The interface that the zone of an IPv6 literal names, by name or by number.
std::optional<unsigned> interface_of(std::string_view literal) noexcept {
    if (!parse(ip_version::v6, literal)) {
        return std::nullopt;
    }
    const std::size_t mark = literal.find('%');
    if (mark == std::string_view::npos) {
        return any_interface;
    }
    const std::string_view zone = literal.substr(mark + 1);
    std::array<char, IF_NAMESIZE> name{};
    if (zone.empty() || zone.size() >= name.size()) {
        return std::nullopt;
    }
    std::copy(zone.begin(), zone.end(), name.begin());
    if (const unsigned index = ::if_nametoindex(name.data()); index != 0) {
        return index;
    }
    unsigned index = 0;
    const auto [end, failed] = std::from_chars(zone.data(), zone.data() + zone.size(), index);
    const bool is_number = failed == std::errc{} && end == zone.data() + zone.size();
    return is_number && index != 0 ? std::optional{index} : std::nullopt;
}

template <typename Value>
base::result<void> set(const socket& of, int level, int name, const Value& value) noexcept {
    if (::setsockopt(of.fd, level, name, &value, sizeof value) != 0) {
        return base::failure{errno};
    }
    return {};
}

base::result<void> change_v4(const socket& of,
                             membership what,
                             const ip_address& group,
                             const multicast_group& in) noexcept {
    const bool joins = what == membership::join;
    const auto from = parse(ip_version::v4, in.interface.value_or(any_address));
    if (!from) {
        return base::failure{EINVAL};
    }
    if (!in.source) {
        const ip_mreq all{v4_of(group), v4_of(*from)};
        return set(of, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, all);
    }
    const auto source = parse(ip_version::v4, *in.source);
    if (!source) {
        return base::failure{EINVAL};
    }
    const ip_mreq_source one{v4_of(group), v4_of(*from), v4_of(*source)};
    return set(of, IPPROTO_IP, joins ? IP_ADD_SOURCE_MEMBERSHIP : IP_DROP_SOURCE_MEMBERSHIP,
               one);
}

base::result<void> change_v6(const socket& of,
                             membership what,
                             const ip_address& group,
                             const multicast_group& in) noexcept {
    const bool joins = what == membership::join;
    const auto from = in.interface ? interface_of(*in.interface) : any_interface;
    if (!from) {
        return base::failure{EINVAL};
    }
    if (!in.source) {
        const ipv6_mreq all{v6_of(group), *from};
        return set(of, IPPROTO_IPV6, joins ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, all);
    }
    const auto source = parse(ip_version::v6, *in.source);
    if (!source) {
        return base::failure{EINVAL};
    }
    group_source_req one{};
    one.gsr_interface = *from;
    std::memcpy(&one.gsr_group, group.native(), group.native_size());
    std::memcpy(&one.gsr_source, source->native(), source->native_size());
    return set(of, IPPROTO_IPV6, joins ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP,
               one);
}

base::result<std::string_view> interface_v4(const socket& of, interface_room& room) noexcept {
    ip_address found{ip_version::v4};
    auto& address = reinterpret_cast<sockaddr_in*>(found.native())->sin_addr;
    socklen_t size = sizeof address;
    if (::getsockopt(of.fd, IPPROTO_IP, IP_MULTICAST_IF, &address, &size) != 0) {
        return base::failure{errno};
    }
    if (address.s_addr == INADDR_ANY) {
        return std::string_view{};
    }
    std::array<char, ip_address::longest_text> text{};
    const std::string_view literal = found.literal(text);
    return std::string_view{room.data(), literal.copy(room.data(), room.size())};
}

base::result<std::string_view> interface_v6(const socket& of, interface_room& room) noexcept {
    int index = 0;
    socklen_t size = sizeof index;
    if (::getsockopt(of.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, &size) != 0) {
        return base::failure{errno};
    }
    if (index == 0) {
        return std::string_view{};
    }
    constexpr std::string_view host = "::%";
    char* const zone = std::ranges::copy(host, room.data()).out;
    if (::if_indextoname(static_cast<unsigned>(index), zone) == nullptr) {
        // It is gone; its number stays true.
        *std::to_chars(zone, room.data() + room.size() - 1, index).ptr = '\0';
    }
    return std::string_view{room.data()};
}

} // namespace

base::result<void> set_multicast_interface(const socket& of,
                                           std::optional<std::string_view> literal) noexcept {
    if (!literal && of.in == domain::ipv6) {
        return set(of, IPPROTO_IPV6, IPV6_MULTICAST_IF, any_interface);
    }
    if (const auto host = parse(ip_version::v4, literal.value_or(any_address)); host) {
        return set(of, IPPROTO_IP, IP_MULTICAST_IF, v4_of(*host));
    }
    if (const auto index = interface_of(*literal); index) {
        return set(of, IPPROTO_IPV6, IPV6_MULTICAST_IF, *index);
    }
    return base::failure{EINVAL};
}

base::result<std::string_view> multicast_interface(const socket& of,
                                                   interface_room& room) noexcept {
    return of.in == domain::ipv6 ? interface_v6(of, room) : interface_v4(of, room);
}

base::result<void>
change_membership(const socket& of, membership what, const multicast_group& in) noexcept {
    if (const auto group = parse(ip_version::v4, in.group); group) {
        return change_v4(of, what, *group, in);
    }
    if (const auto group = parse(ip_version::v6, in.group); group) {
        return change_v6(of, what, *group, in);
    }
    return base::failure{EINVAL};
}

} // namespace coring::io
