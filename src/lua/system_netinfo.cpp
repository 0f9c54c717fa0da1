// Manual: system.netinfo. Behaviour 6.5.
#include "lua/system_netinfo.hpp"

#include "io/interfaces.hpp"
#include "lua/vm/iterator.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

namespace {

constexpr lua_Integer highest_index = 2147483647;

void push_bytes(lua_State* L, std::span<const char> bytes) {
    lua_pushlstring(L, bytes.data(), bytes.size());
}

void push_literal(lua_State* L, const io::ip_address& address) {
    std::array<char, io::ip_address::longest_text> room{};
    const std::string_view text = address.literal(room);
    lua_pushlstring(L, text.data(), text.size());
}

// Pairs of hexadecimal digits with colons between them.
void push_hardware_text(lua_State* L, const std::array<char, 6>& bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::array<char, sizeof "00:00:00:00:00:00"> text{};
    std::size_t at = 0;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text[at++] = digits[value >> 4U];
        text[at++] = digits[value & 0xFU];
        text[at++] = ':';
    }
    lua_pushlstring(L, text.data(), at - 1);
}

struct interface_kind {
    using entry = io::interface_address;
    static constexpr vm::class_id id = vm::class_id::interfaces;
    static constexpr const char* name = "coutil:netifaces";
    static constexpr const char* closed_text = "closed coutil:netifaces";

    static bool push(lua_State* L, const io::interface_address& of, char which) {
        switch (which) {
        case 'n':
            lua_pushstring(L, of.name.data());
            return true;
        case 'i':
            lua_pushboolean(L, of.internal ? 1 : 0);
            return true;
        case 'd':
            lua_pushstring(L, of.address.version() == io::ip_version::v6 ? "ipv6" : "ipv4");
            return true;
        case 'l':
            lua_pushinteger(L, io::prefix_length(of.mask));
            return true;
        case 'm':
            push_bytes(L, of.mask.bytes());
            return true;
        case 't':
            push_literal(L, of.address);
            return true;
        case 'b':
            push_bytes(L, of.address.bytes());
            return true;
        case 'T':
            push_hardware_text(L, of.hardware);
            return true;
        case 'B':
            push_bytes(L, of.hardware);
            return true;
        default:
            return false;
        }
    }
};

using interface_iterator = vm::snapshot_iterator<interface_kind>;

// Zero or an errno.
int take_snapshot(interface_iterator::block& into) noexcept {
    auto listed = io::list_interfaces();
    if (!listed) {
        return listed.error();
    }
    into.entries = std::move(listed.value());
    return 0;
}

int name_of_index(lua_State* L) {
    const lua_Integer index = luaL_checkinteger(L, 2);
    luaL_argcheck(L, index >= 1 && index <= highest_index, 2, "out of range");
    io::interface_name name{};
    const int failed = io::name_interface(static_cast<unsigned>(index), name);
    if (failed != 0) {
        return vm::fail(L, failed);
    }
    lua_pushstring(L, name.data());
    return 1;
}

int all_addresses(lua_State* L) {
    lua_settop(L, 2);
    if (const int failed = take_snapshot(interface_iterator::push(L)); failed != 0) {
        return vm::fail(L, failed);
    }
    return interface_iterator::return_loop(L, 2);
}

// What names the zone of an address is the interface's name, here: "id" is "name".
int system_netinfo(lua_State* L) {
    static const char* const options[] = {"name", "id", "all", nullptr};
    const int option = luaL_checkoption(L, 1, nullptr, options);
    return option == 2 ? all_addresses(L) : name_of_index(L);
}

} // namespace

const luaL_Reg netinfo_functions[] = {
    {"netinfo", system_netinfo},
    {nullptr, nullptr},
};

void make_interfaces_class(lua_State* L, vm::scheduler& on) {
    interface_iterator::make_class(L, on);
}

} // namespace coring::lua
