#include "lua/vm/transfer.hpp"

#include <climits>
#include <string_view>
#include <type_traits>

namespace coring::lua::vm {

namespace {

static_assert(sizeof(lua_Integer) == sizeof(std::int64_t));
static_assert(std::is_same_v<lua_Number, double>);

// The bytes of a value that is a string; asking a number would change it.
std::string_view bytes_of(lua_State* L, int index) noexcept {
    std::size_t size = 0;
    const char* bytes = lua_tolstring(L, index, &size);
    return {bytes, size};
}

bool is_transferable(int type) noexcept {
    return type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
           type == LUA_TSTRING || type == LUA_TLIGHTUSERDATA;
}

void add(lua_State* L, int index, base::message& into) noexcept {
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        into.add(lua_toboolean(L, index) != 0);
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index) != 0) {
            into.add(std::int64_t{lua_tointeger(L, index)});
        } else {
            into.add(lua_tonumber(L, index));
        }
        return;
    case LUA_TSTRING:
        into.add(bytes_of(L, index));
        return;
    case LUA_TLIGHTUSERDATA:
        into.add_pointer(lua_touserdata(L, index));
        return;
    default:
        into.add_nil();
        return;
    }
}

void push(lua_State* L, const base::message_value& value) {
    switch (value.kind) {
    case base::value_kind::nil:
        lua_pushnil(L);
        return;
    case base::value_kind::boolean:
        lua_pushboolean(L, value.boolean ? 1 : 0);
        return;
    case base::value_kind::integer:
        lua_pushinteger(L, value.integer);
        return;
    case base::value_kind::number:
        lua_pushnumber(L, value.number);
        return;
    case base::value_kind::string:
        lua_pushlstring(L, value.bytes, value.size);
        return;
    case base::value_kind::pointer:
        lua_pushlightuserdata(L, value.pointer);
        return;
    }
}

int push_all(lua_State* L) {
    const auto& from = *static_cast<const base::message*>(lua_touserdata(L, 1));
    return unpack(L, from);
}

} // namespace

packing pack(lua_State* from, int first, base::message& into) noexcept {
    into.clear();
    const int last = lua_gettop(from);
    std::size_t bytes = 0;
    for (int index = first; index <= last; ++index) {
        const int type = lua_type(from, index);
        if (!is_transferable(type)) {
            return {packing_end::not_transferable, index - first + 1, lua_typename(from, type)};
        }
        if (type == LUA_TSTRING) {
            bytes += bytes_of(from, index).size();
        }
    }
    const std::size_t count = last >= first ? static_cast<std::size_t>(last - first) + 1 : 0;
    if (!into.reserve(count, bytes)) {
        return {packing_end::memory_short, 0, nullptr};
    }
    for (int index = first; index <= last; ++index) {
        add(from, index, into);
    }
    return {packing_end::done, 0, nullptr};
}

int unpack(lua_State* to, const base::message& from) {
    const auto values = from.values();
    if (values.size() > std::size_t{INT_MAX}) {
        luaL_error(to, "too many results");
    }
    const int count = static_cast<int>(values.size());
    luaL_checkstack(to, count, "too many results");
    for (const base::message_value& value : values) {
        push(to, value);
    }
    return count;
}

bool unpack_protected(lua_State* to, lua_State* coroutine, const base::message& from) noexcept {
    if (from.values().empty()) {
        return true;
    }
    constexpr int needed = 2;
    if (lua_checkstack(to, needed) == 0) {
        return false;
    }
    const int top = lua_gettop(to);
    lua_pushcfunction(to, push_all);
    lua_pushlightuserdata(to, const_cast<base::message*>(&from)); // only read
    if (lua_pcall(to, 1, LUA_MULTRET, 0) != LUA_OK) {
        lua_settop(to, top);
        return false;
    }
    const int count = lua_gettop(to) - top;
    // One place more, for what whoever resumes the coroutine may add.
    if (to != coroutine) {
        if (lua_checkstack(coroutine, count + 1) == 0) {
            lua_settop(to, top);
            return false;
        }
        lua_xmove(to, coroutine, count);
    }
    return true;
}

void push_refusal(lua_State* L, const packing& of, const char* what, int before) {
    if (of.end == packing_end::memory_short) {
        lua_pushliteral(L, "not enough memory");
        return;
    }
    lua_pushfstring(L, "unable to transfer %s #%d (got %s)", what, of.place + before, of.type);
}

} // namespace coring::lua::vm
