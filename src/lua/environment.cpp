// Manual: system.packenv, indexing of packed environments. Behaviour 10.3, D16.
#include "lua/environment.hpp"

#include "base/environment.hpp"
#include "lua/vm/object.hpp"

#include <array>
#include <cstring>
#include <string_view>

namespace coring::lua {

namespace {

constexpr const char* class_name = "coutil:procesenv";

// --- packing --------------------------------------------------------------------------------

// The name that is the key at `key`, or null if it cannot be one. A number is converted in a
// copy at `copy`: the key itself is what the traversal goes on from.
const char* name_at(lua_State* L, int key, int copy) {
    lua_pushvalue(L, key);
    lua_replace(L, copy);
    if (lua_type(L, copy) != LUA_TSTRING && lua_type(L, copy) != LUA_TNUMBER) {
        luaL_error(L, "bad name '%s' in environment (must be a string)", luaL_typename(L, key));
    }
    return lua_tostring(L, copy);
}

// Pushes NAME=VALUE for the pair on top of the stack. Both end at a zero byte, as they would in
// the environment.
void push_variable_text(lua_State* L, int name_copy) {
    const int key = lua_gettop(L) - 1;
    const char* name = name_at(L, key, name_copy);
    const int type = lua_type(L, key + 1);
    if (std::strchr(name, '=') != nullptr || (type != LUA_TSTRING && type != LUA_TNUMBER)) {
        luaL_error(L, "bad name '%s' in environment (cannot contain '=')", name);
    }
    lua_pushfstring(L, "%s=%s", name, lua_tostring(L, key + 1));
}

// Appends the texts of all pairs to the list; returns how many bytes they need, zeros included.
std::size_t list_texts(lua_State* L, int table, int list, int name_copy) {
    lua_Integer count = 0;
    std::size_t size = 0;
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        push_variable_text(L, name_copy);
        size += lua_rawlen(L, -1) + 1;
        lua_rawseti(L, list, ++count);
        lua_pop(L, 1);
    }
    return size;
}

// --- looking at -----------------------------------------------------------------------------

// Where the value begins in a text NAME=VALUE, or null if it is not of that form.
const char* value_in(const char* text) noexcept {
    const char* equals = std::strchr(text, '=');
    return equals == nullptr ? nullptr : equals + 1;
}

int environment_index(lua_State* L) {
    const char* const* each = check_packed(L, 1, vm::scheduler_of(L));
    const std::string_view name = luaL_checkstring(L, 2);
    luaL_argcheck(L, name.find('=') == std::string_view::npos, 2, "cannot contain '='");
    for (; *each != nullptr; ++each) {
        const char* value = value_in(*each);
        const std::string_view text{*each};
        if (text.substr(0, name.size()) == name && value == *each + name.size() + 1) {
            lua_pushstring(L, value);
            return 1;
        }
    }
    lua_pushnil(L);
    return 1;
}

} // namespace

void make_environment_class(lua_State* L, vm::scheduler& on) {
    static const luaL_Reg metamethods[] = {
        {"__index", environment_index},
        {nullptr, nullptr},
    };
    vm::make_class(L, on, vm::class_id::environment, class_name, metamethods, nullptr);
}

// Two passes, with the texts as strings between them: what makes a string may run finalizers,
// and nothing may then depend on the table any more.
void push_packed(lua_State* L, int table) {
    table = lua_absindex(L, table);
    luaL_checkstack(L, 10, nullptr);
    lua_newtable(L);
    const int list = lua_gettop(L);
    lua_pushnil(L);
    const std::size_t text_size = list_texts(L, table, list, list + 1);
    const auto count = static_cast<std::size_t>(lua_rawlen(L, list));
    void* block = lua_newuserdatauv(L, base::environment_writer::room_for(count, text_size), 0);
    base::environment_writer into{block, count};
    for (std::size_t at = 1; at <= count; ++at) {
        lua_rawgeti(L, list, static_cast<lua_Integer>(at));
        std::size_t size = 0;
        const char* text = lua_tolstring(L, -1, &size);
        into.add({text, size});
        lua_pop(L, 1);
    }
    vm::set_class(L, vm::class_id::environment);
    lua_replace(L, list);
    lua_settop(L, list);
}

char* const* check_packed(lua_State* L, int arg, const vm::scheduler& on) {
    return static_cast<char* const*>(
        vm::check_object(L, arg, on, vm::class_id::environment, class_name));
}

char* const* test_packed(lua_State* L, int arg, const vm::scheduler& on) {
    return static_cast<char* const*>(vm::test_object(L, arg, on, vm::class_id::environment));
}

void assign_variables(lua_State* L, char* const* environment, int table) {
    table = lua_absindex(L, table);
    std::size_t rest = 0;
    while (environment[rest] != nullptr) {
        ++rest;
    }
    while (rest > 0) { // backwards: the first is assigned last
        const char* text = environment[--rest];
        const char* value = value_in(text);
        if (value != nullptr) {
            lua_pushlstring(L, text, static_cast<std::size_t>(value - text) - 1);
            lua_pushstring(L, value);
            lua_settable(L, table);
        }
    }
}

// The value may become longer between two looks, when another thread sets it.
bool push_variable(lua_State* L, const char* name) {
    std::array<char, 1024> few{};
    std::size_t needed = base::read_variable(name, few);
    if (needed <= few.size()) {
        if (needed > 0) {
            lua_pushlstring(L, few.data(), needed - 1);
        }
        return needed > 0;
    }
    while (true) {
        const std::size_t room = needed;
        auto* many = static_cast<char*>(lua_newuserdatauv(L, room, 0));
        needed = base::read_variable(name, {many, room});
        if (needed == 0) {
            lua_pop(L, 1);
            return false;
        }
        if (needed <= room) {
            lua_pushlstring(L, many, needed - 1);
            lua_remove(L, -2);
            return true;
        }
        lua_pop(L, 1);
    }
}

char* const* push_process_environment(lua_State* L) {
    std::size_t needed = base::copy_environment({});
    while (true) {
        const std::size_t room = needed;
        auto* block = static_cast<char*>(lua_newuserdatauv(L, room, 0));
        needed = base::copy_environment({block, room});
        if (needed <= room) {
            return reinterpret_cast<char* const*>(block);
        }
        lua_pop(L, 1);
    }
}

} // namespace coring::lua
