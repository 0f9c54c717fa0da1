// Manual: system.address; fields type, literal, binary, port; tostring and equality.
// Behaviour 6.1 and 6.2.
#include "lua/system_address.hpp"

#include "lua/vm/memory.hpp"
#include "lua/vm/object.hpp"
#include "lua/vm/reply.hpp"

#include <array>
#include <cerrno>
#include <new>
#include <string_view>

namespace coring::lua {

namespace {

constexpr const char* class_name = "coutil:netaddress";
constexpr std::size_t longest_host = 47;
constexpr lua_Integer highest_port = 65535;

const char* const type_names[] = {"ipv4", "ipv6", nullptr};

io::ip_address& self_address(lua_State* L) {
    return check_address(L, 1, vm::scheduler_of(L));
}

void set_literal(lua_State* L, io::ip_address& address, std::string_view text) {
    if (!address.set_literal(text)) {
        vm::raise(L, EINVAL);
    }
}

std::uint16_t check_port(lua_State* L, int arg) {
    const lua_Integer port = luaL_checkinteger(L, arg);
    luaL_argcheck(L, port >= 0 && port <= highest_port, arg, "invalid port");
    return static_cast<std::uint16_t>(port);
}

// Where the host of a URI ends and its port begins.
struct uri_parts {
    std::string_view host;
    std::string_view port;
    bool valid;
};

uri_parts split_uri(std::string_view text, io::ip_version version) {
    constexpr uri_parts invalid{{}, {}, false};
    const std::string_view mark = version == io::ip_version::v6 ? "]:" : ":";
    std::size_t start = 0;
    if (version == io::ip_version::v6) {
        if (text.empty() || text.front() != '[') {
            return invalid;
        }
        start = 1;
    }
    const std::size_t end = text.find(mark, start);
    if (end == std::string_view::npos || end + mark.size() >= text.size() ||
        end - start > longest_host) {
        return invalid;
    }
    return {text.substr(start, end - start), text.substr(end + mark.size()), true};
}

// The number that all of the text spells, or -1.
lua_Integer port_of(std::string_view text) {
    lua_Integer port = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') {
            return -1;
        }
        port = port * 10 + (digit - '0');
        if (port > highest_port) {
            return -1;
        }
    }
    return port;
}

void fill_from_uri(lua_State* L, io::ip_address& address, std::string_view text) {
    const uri_parts parts = split_uri(text, address.version());
    luaL_argcheck(L, parts.valid, 2, "invalid URI format");
    const lua_Integer port = port_of(parts.port);
    luaL_argcheck(L, port >= 0, 2, "invalid port");
    set_literal(L, address, parts.host);
    address.set_port(static_cast<std::uint16_t>(port));
}

// The host is looked at last: making a string of another argument may run finalizers, which may
// resize a memory.
void fill_from_host(lua_State* L, io::ip_address& address, const vm::scheduler& on) {
    const std::uint16_t port = check_port(L, 3);
    const std::string_view mode = luaL_optstring(L, 4, "t");
    luaL_argcheck(L, mode == "t" || mode == "b", 4, "invalid mode");
    const std::string_view host = vm::check_input(L, 2, on).bytes;
    if (mode == "b") {
        luaL_argcheck(L, host.size() == address.bytes().size(), 2, "invalid binary address");
        address.set_bytes(host);
    } else {
        set_literal(L, address, host);
    }
    address.set_port(port);
}

int system_address(lua_State* L) {
    const int given = lua_gettop(L);
    const auto version = luaL_checkoption(L, 1, nullptr, type_names) == 0 ? io::ip_version::v4
                                                                          : io::ip_version::v6;
    const vm::scheduler& on = vm::scheduler_of(L);
    io::ip_address address{version};
    if (given >= 2) {
        const std::string_view data = vm::check_input(L, 2, on).bytes;
        if (given == 2) {
            fill_from_uri(L, address, data);
        } else {
            fill_from_host(L, address, on);
        }
    }
    push_address(L, version) = address;
    return 1;
}

enum field { type_field, literal_field, binary_field, port_field };

int address_index(lua_State* L) {
    static const char* const names[] = {"type", "literal", "binary", "port", nullptr};
    const io::ip_address& address = self_address(L);
    std::array<char, io::ip_address::longest_text> room{};
    std::string_view text;
    switch (luaL_checkoption(L, 2, nullptr, names)) {
    case type_field:
        lua_pushstring(L, type_names[address.version() == io::ip_version::v6 ? 1 : 0]);
        return 1;
    case literal_field:
        text = address.literal(room);
        lua_pushlstring(L, text.data(), text.size());
        return 1;
    case binary_field:
        lua_pushlstring(L, address.bytes().data(), address.bytes().size());
        return 1;
    default:
        lua_pushinteger(L, address.port());
        return 1;
    }
}

int address_newindex(lua_State* L) {
    static const char* const names[] = {"literal", "binary", "port", nullptr};
    io::ip_address& address = self_address(L);
    const int chosen = luaL_checkoption(L, 2, nullptr, names);
    if (chosen == 0) {
        std::size_t size = 0;
        const char* text = luaL_checklstring(L, 3, &size);
        set_literal(L, address, {text, size});
    } else if (chosen == 1) {
        const std::string_view bytes = vm::check_input(L, 3, vm::scheduler_of(L)).bytes;
        luaL_argcheck(L, bytes.size() == address.bytes().size(), 3, "wrong byte size");
        address.set_bytes(bytes);
    } else {
        address.set_port(check_port(L, 3));
    }
    return 0;
}

int address_eq(lua_State* L) {
    const vm::scheduler& on = vm::scheduler_of(L);
    const io::ip_address* left = test_address(L, 1, on);
    const io::ip_address* right = test_address(L, 2, on);
    lua_pushboolean(L, left != nullptr && right != nullptr && left->equals(*right) ? 1 : 0);
    return 1;
}

int address_tostring(lua_State* L) {
    const io::ip_address& address = self_address(L);
    std::array<char, io::ip_address::longest_text> room{};
    const std::string_view text = address.literal(room);
    const char* format = address.version() == io::ip_version::v6 ? "[%s]:%d" : "%s:%d";
    lua_pushfstring(L, format, text.data(), int{address.port()});
    return 1;
}

const luaL_Reg metamethods[] = {
    {"__index", address_index}, {"__newindex", address_newindex},
    {"__eq", address_eq},       {"__tostring", address_tostring},
    {nullptr, nullptr},
};

} // namespace

const luaL_Reg address_functions[] = {
    {"address", system_address},
    {nullptr, nullptr},
};

void make_address_class(lua_State* L, vm::scheduler& on) {
    vm::make_class(L, on, vm::class_id::address, class_name, metamethods, nullptr);
}

io::ip_address& push_address(lua_State* L, io::ip_version version) {
    void* block = lua_newuserdatauv(L, sizeof(io::ip_address), 0);
    auto* address = new (block) io::ip_address{version};
    vm::set_class(L, vm::class_id::address);
    return *address;
}

io::ip_address* test_address(lua_State* L, int arg, const vm::scheduler& on) {
    return static_cast<io::ip_address*>(vm::test_object(L, arg, on, vm::class_id::address));
}

io::ip_address& check_address(lua_State* L, int arg, const vm::scheduler& on) {
    return *static_cast<io::ip_address*>(
        vm::check_object(L, arg, on, vm::class_id::address, class_name));
}

io::ip_address&
check_address(lua_State* L, int arg, const vm::scheduler& on, io::ip_version version) {
    io::ip_address& address = check_address(L, arg, on);
    luaL_argcheck(L, address.version() == version, arg, "wrong domain");
    return address;
}

} // namespace coring::lua
