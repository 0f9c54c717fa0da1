#include "lua/vm/reply.hpp"

#include "base/errc.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace coring::lua::vm {

namespace {

void push_text(lua_State* L, int code) {
    std::array<char, base::error_text_room> scratch{};
    const std::string_view text = base::error_text(code, scratch);
    lua_pushlstring(L, text.data(), text.size());
}

// The error value as text, without a call that could raise: numbers are formatted by hand.
const char*
text_of(lua_State* from, const char* other, std::array<char, 64>& scratch) noexcept {
    if (lua_type(from, -1) == LUA_TSTRING) {
        return lua_tostring(from, -1);
    }
    if (lua_isinteger(from, -1) != 0) {
        static_cast<void>(
            std::snprintf(scratch.data(), scratch.size(), "%lld", lua_tointeger(from, -1)));
        return scratch.data();
    }
    if (lua_type(from, -1) == LUA_TNUMBER) {
        static_cast<void>(
            std::snprintf(scratch.data(), scratch.size(), "%.14g", lua_tonumber(from, -1)));
        return scratch.data();
    }
    return other;
}

} // namespace

int fail(lua_State* L, int code) {
    lua_pushboolean(L, 0);
    push_text(L, code);
    lua_pushinteger(L, code);
    return 3;
}

int fail_text(lua_State* L, const char* message) {
    lua_pushboolean(L, 0);
    lua_pushstring(L, message);
    return 2;
}

int succeed_or_fail(lua_State* L, int code) {
    if (code != 0) {
        return fail(L, code);
    }
    lua_pushboolean(L, 1);
    return 1;
}

void raise_no_memory(lua_State* L) {
    luaL_error(L, "not enough memory");
    __builtin_unreachable();
}

void raise_no_start(lua_State* L, const char* what, int code) {
    char scratch[base::error_text_room];
    const std::string_view text = base::error_text(code, scratch);
    lua_pushfstring(L, "coutil.system cannot start: %s", what);
    lua_pushlstring(L, text.data(), text.size());
    lua_concat(L, 2);
    lua_error(L);
    __builtin_unreachable();
}

int raise(lua_State* L, int code) {
    luaL_where(L, 1);
    push_text(L, code);
    lua_concat(L, 2);
    return lua_error(L);
}

void warn_of_error(lua_State* L,
                   lua_State* from,
                   const char* place,
                   const char* other) noexcept {
    std::array<char, 64> scratch{};
    const char* message = text_of(from, other, scratch);
    // One piece if it fits: warnings of different threads must not mix within a line.
    std::array<char, 1024> line{};
    const int size = std::snprintf(line.data(), line.size(), "[coutil] %s: %s", place, message);
    if (size >= 0 && static_cast<std::size_t>(size) < line.size()) {
        lua_warning(L, line.data(), 0);
        return;
    }
    lua_warning(L, "[coutil] ", 1);
    lua_warning(L, place, 1);
    lua_warning(L, ": ", 1);
    lua_warning(L, message, 0);
}

} // namespace coring::lua::vm
