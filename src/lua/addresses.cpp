// Manual: addresses:close, addresses:next, addresses:reset, addresses:getaddress,
// addresses:getdomain, addresses:getsocktype. Behaviour 6.3.
#include "lua/addresses.hpp"

#include "lua/system_address.hpp"
#include "lua/vm/object.hpp"

#include <memory>
#include <new>

namespace coring::lua {

namespace {

constexpr const char* class_name = "coutil:netaddrlist";

// What the userdata begins with; the addresses lie behind it. So Lua knows how much it holds,
// and frees it.
struct address_list {
    std::size_t count;
    std::size_t at; // the current one
    bool closed;

    [[nodiscard]] io::found_address* items() noexcept {
        return reinterpret_cast<io::found_address*>(this + 1);
    }

    [[nodiscard]] const io::found_address& current() noexcept { return items()[at]; }
};

static_assert(alignof(address_list) >= alignof(io::found_address));

address_list& self_list(lua_State* L) {
    auto& self = *static_cast<address_list*>(
        vm::check_object(L, 1, vm::scheduler_of(L), vm::class_id::address_list, class_name));
    luaL_argcheck(L, !self.closed, 1, "closed coutil:netaddrlist");
    return self;
}

int list_close(lua_State* L) {
    self_list(L).closed = true;
    lua_pushboolean(L, 1);
    return 1;
}

// __gc and __close: silent on what is closed, or of a state that has ended.
int list_end(lua_State* L) {
    const vm::scheduler* on = vm::scheduler_if_any(L);
    if (on != nullptr) {
        static_cast<address_list*>(
            vm::check_object(L, 1, *on, vm::class_id::address_list, class_name))
            ->closed = true;
    }
    return 0;
}

int list_next(lua_State* L) {
    address_list& self = self_list(L);
    const bool more = self.at + 1 < self.count;
    self.at += more ? 1 : 0;
    lua_pushboolean(L, more ? 1 : 0);
    return 1;
}

int list_reset(lua_State* L) {
    self_list(L).at = 0;
    return 0;
}

int list_getaddress(lua_State* L) {
    const io::ip_address& found = self_list(L).current().where;
    io::ip_address* into = test_address(L, 2, vm::scheduler_of(L));
    if (into != nullptr) {
        luaL_argcheck(L, into->version() == found.version(), 2, "wrong domain");
        lua_pushvalue(L, 2);
    } else {
        into = &push_address(L, found.version());
    }
    *into = found;
    return 1;
}

int list_getdomain(lua_State* L) {
    const io::ip_address& found = self_list(L).current().where;
    lua_pushstring(L, found.version() == io::ip_version::v6 ? "ipv6" : "ipv4");
    return 1;
}

const char* name_of(io::purpose purpose) noexcept {
    switch (purpose) {
    case io::purpose::datagram:
        return "datagram";
    case io::purpose::stream:
        return "stream";
    case io::purpose::passive:
        return "passive";
    }
    return "";
}

int list_getsocktype(lua_State* L) {
    lua_pushstring(L, name_of(self_list(L).current().good_for));
    return 1;
}

const luaL_Reg metamethods[] = {
    {"__gc", list_end},
    {"__close", list_end},
    {nullptr, nullptr},
};

const luaL_Reg methods[] = {
    {"close", list_close},
    {"getaddress", list_getaddress},
    {"getdomain", list_getdomain},
    {"getsocktype", list_getsocktype},
    {"next", list_next},
    {"reset", list_reset},
    {nullptr, nullptr},
};

} // namespace

void make_address_list_class(lua_State* L, vm::scheduler& on) {
    vm::make_class(L, on, vm::class_id::address_list, class_name, metamethods, methods);
}

void push_addresses(lua_State* L, std::span<const io::found_address> found) {
    CORING_ASSERT(!found.empty());
    void* block = lua_newuserdatauv(L, sizeof(address_list) + found.size_bytes(), 0);
    auto* list = new (block) address_list{found.size(), 0, false};
    std::uninitialized_copy(found.begin(), found.end(), list->items());
    vm::set_class(L, vm::class_id::address_list);
}

} // namespace coring::lua
