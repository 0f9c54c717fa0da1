#include "lua/vm/new_state.hpp"

#include "lua/vm/preload.hpp"

#include <new>

namespace coring::lua::vm {

namespace {

// Its address is a key of the registry.
constexpr char independent_key = 0;

struct recipe {
    lua_State* creator;
    int preloads;
};

struct source {
    std::string_view text;
    const char* name;
    const char* path;
    const char* mode;
};

int compile_text(lua_State* L) {
    const auto& from = *static_cast<const source*>(lua_touserdata(L, 1));
    const int status =
        luaL_loadbufferx(L, from.text.data(), from.text.size(), from.name, from.mode);
    return status == LUA_OK ? 1 : lua_error(L);
}

int compile_file(lua_State* L) {
    const auto& from = *static_cast<const source*>(lua_touserdata(L, 1));
    return luaL_loadfilex(L, from.path, from.mode) == LUA_OK ? 1 : lua_error(L);
}

// Calls the function with a pointer, protected; what it returns is on top then, or the error.
bool call_with(lua_State* L, lua_CFunction function, void* argument) noexcept {
    lua_pushcfunction(L, function); // there is room: nothing else is on this stack
    lua_pushlightuserdata(L, argument);
    return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

bool compile(lua_State* main, lua_State* chunk, lua_CFunction how, source& from) noexcept {
    if (!call_with(main, how, &from)) {
        return false;
    }
    lua_xmove(main, chunk, 1);
    return true;
}

} // namespace

// Runs in the new state. Leaves the chunk's coroutine on the stack, which keeps it.
int independent_state::fill(lua_State* L) {
    const auto& by = *static_cast<const recipe*>(lua_touserdata(L, 1));
    luaL_requiref(L, LUA_LOADLIBNAME, luaopen_package, 0); // defines `require`
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    preload_standard_libraries(L);
    inherit_preloads(L, by.creator, by.preloads);
    lua_pushboolean(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &independent_key);
    lua_newthread(L);
    return 1;
}

bool independent_state::open(lua_State* creator, int preloads) noexcept {
    void* allocator_data = nullptr;
    const lua_Alloc allocator = lua_getallocf(creator, &allocator_data);
    main_ = lua_newstate(allocator, allocator_data);
    if (main_ == nullptr) {
        return false;
    }
    const lua_CFunction panic = lua_atpanic(creator, nullptr);
    lua_atpanic(creator, panic);
    lua_atpanic(main_, panic);
    warnings_.serve(main_);
    recipe by{creator, preloads};
    if (!call_with(main_, fill, &by)) {
        return false;
    }
    chunk_ = lua_tothread(main_, -1);
    return true;
}

independent_state::~independent_state() {
    if (chunk_ != nullptr) {
        static_cast<void>(end_chunk());
    }
    if (main_ != nullptr) {
        lua_close(main_);
    }
}

bool independent_state::load(std::string_view text,
                             const char* chunk_name,
                             const char* mode) noexcept {
    source from{text, chunk_name, nullptr, mode};
    return compile(main_, chunk_, compile_text, from);
}

bool independent_state::load_file(const char* path, const char* mode) noexcept {
    source from{{}, nullptr, path, mode};
    return compile(main_, chunk_, compile_file, from);
}

bool independent_state::end_chunk() noexcept {
    return lua_resetthread(chunk_) == LUA_OK;
}

independent_state* new_state(lua_State* creator) {
    constexpr int needed = 8;
    luaL_checkstack(creator, needed, nullptr);
    const int top = lua_gettop(creator);
    luaL_getsubtable(creator, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    auto* made = new (std::nothrow) independent_state;
    if (made != nullptr && !made->open(creator, top + 1)) {
        delete made;
        made = nullptr;
    }
    lua_settop(creator, top);
    return made;
}

bool is_independent(lua_State* L) noexcept {
    const bool found = lua_rawgetp(L, LUA_REGISTRYINDEX, &independent_key) != LUA_TNIL;
    lua_pop(L, 1);
    return found;
}

} // namespace coring::lua::vm
