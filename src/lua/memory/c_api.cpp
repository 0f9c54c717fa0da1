// The C functions for other native modules (behaviour 16.2, "Binary interface").
#include "lua/memory/block.hpp"
#include "lua/memory/luamem.h"

#include <cstring>
#include <string_view>

using coring::lua::memory::block;
using coring::lua::memory::kind;
using coring::lua::memory::reference;
using coring::lua::memory::view;

static_assert(std::string_view{LUAMEM_ALLOC} == coring::lua::memory::fixed_key);
static_assert(std::string_view{LUAMEM_REF} == coring::lua::memory::reference_key);
static_assert(LUAMEM_TNONE == static_cast<int>(kind::none));
static_assert(LUAMEM_TALLOC == static_cast<int>(kind::fixed));
static_assert(LUAMEM_TREF == static_cast<int>(kind::reference));

namespace {

template <typename Value>
void store(Value* target, Value value) {
    if (target != nullptr) {
        *target = value;
    }
}

const char* bytes_of(lua_State* state, int index, size_t* len) {
    const view source = coring::lua::memory::array_at(state, index);
    store(len, source.size);
    return source.bytes;
}

} // namespace

char* luamem_newalloc(lua_State* L, size_t len) {
    return coring::lua::memory::push_fixed(L, len);
}

void luamem_newref(lua_State* L) {
    coring::lua::memory::push_reference(L);
}

int luamem_resetref(lua_State* L,
                    int idx,
                    char* mem,
                    size_t len,
                    luamem_Unref unref,
                    int cleanup) {
    reference* target = coring::lua::memory::to_reference(L, idx);
    if (target == nullptr) {
        return 0;
    }
    // The new target is in place before the old one is released: unref may raise.
    const reference old = *target;
    *target = reference{mem, len, unref};
    if (cleanup != 0 && old.unref != nullptr && old.bytes != mem) {
        old.unref(L, old.bytes, old.size);
    }
    return 1;
}

int luamem_type(lua_State* L, int idx) {
    return static_cast<int>(coring::lua::memory::inspect(L, idx).type);
}

char* luamem_tomemoryx(lua_State* L, int idx, size_t* len, luamem_Unref* unref, int* type) {
    const block found = coring::lua::memory::inspect(L, idx);
    store(len, found.size);
    store(unref, found.unref);
    store(type, static_cast<int>(found.type));
    return found.bytes;
}

char* luamem_checkmemory(lua_State* L, int arg, size_t* len) {
    const block found = coring::lua::memory::check_memory(L, arg);
    store(len, found.size);
    return found.bytes;
}

int luamem_isarray(lua_State* L, int idx) {
    return coring::lua::memory::is_array(L, idx) ? 1 : 0;
}

const char* luamem_toarray(lua_State* L, int idx, size_t* len) {
    if (lua_type(L, idx) == LUA_TNUMBER) {
        return lua_tolstring(L, idx, len);
    }
    return bytes_of(L, idx, len);
}

const char* luamem_asarray(lua_State* L, int idx, size_t* len) {
    if (!coring::lua::memory::is_array(L, idx)) {
        const int target = lua_absindex(L, idx);
        luaL_tolstring(L, target, nullptr);
        lua_replace(L, target);
        return bytes_of(L, target, len);
    }
    return luamem_toarray(L, idx, len);
}

const char* luamem_checkarray(lua_State* L, int arg, size_t* len) {
    coring::lua::memory::check_array(L, arg);
    return bytes_of(L, arg, len);
}

const char* luamem_optarray(lua_State* L, int arg, const char* def, size_t* len) {
    if (coring::lua::memory::opt_array(L, arg)) {
        return bytes_of(L, arg, len);
    }
    store(len, def == nullptr ? 0 : std::strlen(def));
    return def;
}

void* luamem_realloc(lua_State* L, void* mem, size_t len, size_t newlen) {
    void* context = nullptr;
    lua_Alloc allocate = lua_getallocf(L, &context);
    return allocate(context, mem, len, newlen);
}

void luamem_free(lua_State* L, void* mem, size_t len) {
    luamem_realloc(L, mem, len, 0);
}

size_t luamem_checklenarg(lua_State* L, int arg) {
    return coring::lua::memory::check_size(L, arg);
}

void luamem_addvalue(luaL_Buffer* B) {
    // Only luaL_addvalue knows how to reach below a value on top of what a buffer keeps on the
    // stack, and it takes strings.
    const block source = coring::lua::memory::inspect(B->L, -1);
    if (source.type != kind::none) {
        lua_pushlstring(B->L, source.bytes, source.size);
        lua_replace(B->L, -2);
    }
    luaL_addvalue(B);
}
