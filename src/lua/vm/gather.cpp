#include "lua/vm/gather.hpp"

#include "lua/memory/range.hpp"
#include "lua/vm/memory.hpp"

#include <algorithm>
#include <climits>
#include <optional>
#include <string_view>

namespace coring::lua::vm {

namespace {

// Numbers count as their text, which has to be made and kept somewhere: in a copy of the table
// that takes its place, as the program's own is not ours to change.
void spell_numbers(lua_State* L, int arg) {
    const auto count = static_cast<lua_Integer>(lua_rawlen(L, arg));
    bool any = false;
    for (lua_Integer at = 1; at <= count && !any; ++at) {
        any = lua_rawgeti(L, arg, at) == LUA_TNUMBER;
        lua_pop(L, 1);
    }
    if (!any) {
        return;
    }
    lua_createtable(L, static_cast<int>(std::min<lua_Integer>(count, INT_MAX)), 0);
    for (lua_Integer at = 1; at <= count; ++at) {
        if (lua_rawgeti(L, arg, at) == LUA_TNUMBER) {
            lua_tostring(L, -1);
        }
        lua_rawseti(L, -2, at);
    }
    lua_replace(L, arg);
}

// Raises for elements that are no bytes. Nothing is allocated, so that the bytes stay in place.
iovec check_part(lua_State* L, int arg, lua_Integer at, const scheduler& on) {
    lua_rawgeti(L, arg, at);
    const int type = lua_type(L, -1);
    std::string_view bytes;
    if (type == LUA_TSTRING) {
        std::size_t size = 0;
        const char* text = lua_tolstring(L, -1, &size);
        bytes = {text, size};
    } else if (const auto memory = test_memory(L, lua_gettop(L), on); memory) {
        bytes = *memory;
    } else {
        luaL_error(L, "bad value #%I in data (string or memory expected, got %s)", at,
                   luaL_typename(L, -1));
    }
    lua_pop(L, 1);
    return {const_cast<char*>(bytes.data()), bytes.size()}; // NOLINT: not written to
}

} // namespace

void gathered_bytes::check(lua_State* L, int arg, const scheduler& on) {
    lua_settop(L, arg + 2); // what is pushed below must not pass for i
    spell_numbers(L, arg);
    const std::size_t count = lua_rawlen(L, arg);
    parts_ = std::span{room_}.first(std::min(count, few));
    if (count > few) {
        auto* many = static_cast<iovec*>(lua_newuserdatauv(L, count * sizeof(iovec), 0));
        parts_ = {many, count};
    }
    std::size_t size = 0;
    for (std::size_t at = 0; at < count; ++at) {
        parts_[at] = check_part(L, arg, static_cast<lua_Integer>(at) + 1, on);
        size += parts_[at].iov_len;
    }
    const memory::range range = memory::range_of(memory::check_bounds(L, arg + 1), size);
    trim(range.size == 0 ? 0 : range.offset, range.size);
}

void gathered_bytes::trim(std::size_t offset, std::size_t size) noexcept {
    size_ = size;
    std::size_t kept = 0;
    for (const iovec& part : parts_) {
        const std::size_t skip = std::min(offset, part.iov_len);
        const std::size_t take = std::min(size, part.iov_len - skip);
        offset -= skip;
        size -= take;
        if (take > 0) {
            parts_[kept++] = {static_cast<char*>(part.iov_base) + skip, take};
        }
    }
    parts_ = parts_.first(kept);
}

void join_gathered(lua_State* L, int arg, const scheduler& on) {
    const auto count = static_cast<int>(std::min<std::size_t>(lua_rawlen(L, arg), INT_MAX));
    constexpr int scratch = 4; // for looking at one
    luaL_checkstack(L, count > INT_MAX - scratch ? INT_MAX : count + scratch,
                    "too many values in data");
    for (int at = 1; at <= count; ++at) {
        if (lua_rawgeti(L, arg, at) != LUA_TNUMBER) {
            lua_pop(L, 1);
            const iovec part = check_part(L, arg, at, on);
            lua_pushlstring(L, static_cast<const char*>(part.iov_base), part.iov_len);
        }
    }
    lua_concat(L, count);
    lua_replace(L, arg);
}

} // namespace coring::lua::vm
