// The C functions of the module memory (behaviour 16.2), called as native modules call them.
// Each test has a Lua state of its own, whose allocator counts the bytes it gave and can be
// told to fail: at the end every byte must have come back with the size it was asked for.
#include "lua/memory/layout.hpp"
#include "lua/memory/luamem.h"
#include "lua/memory/metatables.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace {

namespace memory = coring::lua::memory;

struct heap {
    std::size_t used = 0;
    std::size_t last_request = 0;
    long calls_until_failure = -1; // never
};

void* allocate(void* context, void* old, std::size_t old_size, std::size_t size) {
    auto* source = static_cast<heap*>(context);
    const std::size_t released = old == nullptr ? 0 : old_size;
    if (size == 0) {
        source->used -= released;
        std::free(old);
        return nullptr;
    }
    // Lua relies on shrinking to succeed.
    if (size > released && source->calls_until_failure >= 0 &&
        source->calls_until_failure-- == 0) {
        source->calls_until_failure = 0;
        return nullptr;
    }
    source->last_request = size;
    source->used += size - released;
    return std::realloc(old, size);
}

int releases = 0;

void count_release(lua_State* /*state*/, void* /*bytes*/, std::size_t /*size*/) {
    releases++;
}

class c_api : public testing::Test {
protected:
    void SetUp() override {
        releases = 0;
        state_ = lua_newstate(allocate, &heap_);
    }

    void TearDown() override {
        lua_close(state_);
        EXPECT_EQ(heap_.used, 0U);
    }

    void open() {
        luaL_openlibs(state_);
        luaL_requiref(state_, "memory", luaopen_memory, 1);
        lua_settop(state_, 0);
    }

    // Runs the text and returns its first result, or the error, as a string.
    std::string run(const char* text) {
        if (luaL_loadstring(state_, text) == LUA_OK) {
            lua_pcall(state_, 0, 1, 0);
        }
        std::string result = luaL_tolstring(state_, -1, nullptr);
        lua_pop(state_, 2);
        return result;
    }

    heap heap_;
    lua_State* state_ = nullptr;
};

TEST_F(c_api, metatables_exist_without_the_module) {
    memory::ensure_metatables(state_);
    luaL_getmetatable(state_, LUAMEM_REF);
    EXPECT_EQ(lua_getfield(state_, -1, "__gc"), LUA_TFUNCTION);
    EXPECT_EQ(lua_getfield(state_, -2, "__close"), LUA_TFUNCTION);
    luaL_getmetatable(state_, LUAMEM_ALLOC);
    EXPECT_EQ(lua_getfield(state_, -1, "__gc"), LUA_TNIL);
}

TEST_F(c_api, metatables_made_by_others_are_kept_and_get_the_methods) {
    luaL_newmetatable(state_, LUAMEM_ALLOC);
    const void* theirs = lua_topointer(state_, -1);
    open();
    luaL_getmetatable(state_, LUAMEM_ALLOC);
    EXPECT_EQ(lua_topointer(state_, -1), theirs);
    char* bytes = luamem_newalloc(state_, 3);
    std::string_view{"abc"}.copy(bytes, 3);
    lua_setglobal(state_, "m");
    EXPECT_EQ(run("return m:tostring() .. memory.type(m)"), "abcfixed");
}

TEST_F(c_api, values_are_told_apart_by_their_type) {
    luamem_newalloc(state_, 5);
    luamem_newref(state_);
    lua_newuserdatauv(state_, sizeof(memory::reference), 0);
    EXPECT_EQ(luamem_type(state_, 1), LUAMEM_TALLOC);
    EXPECT_EQ(luamem_type(state_, 2), LUAMEM_TREF);
    EXPECT_EQ(luamem_type(state_, 3), LUAMEM_TNONE);
    EXPECT_FALSE(luamem_ismemory(state_, 4));
    std::size_t size = 1;
    int type = -1;
    EXPECT_EQ(luamem_tomemoryx(state_, 1, &size, nullptr, nullptr), lua_touserdata(state_, 1));
    EXPECT_EQ(size, 5U);
    EXPECT_EQ(luamem_tomemoryx(state_, 2, &size, nullptr, &type), nullptr);
    EXPECT_EQ(size, 0U);
    EXPECT_EQ(type, LUAMEM_TREF);
    EXPECT_EQ(luamem_tomemory(state_, 3, nullptr), nullptr);
    EXPECT_EQ(lua_gettop(state_), 3);
}

TEST_F(c_api, a_reference_releases_its_bytes_once) {
    open();
    char bytes[] = "abc";
    char others[] = "xyz";
    luamem_newref(state_);
    EXPECT_EQ(luamem_setref(state_, 1, bytes, 3, count_release), 1);
    EXPECT_EQ(luamem_setref(state_, 1, bytes, 2, count_release), 1);
    EXPECT_EQ(releases, 0) << "the address stayed";
    EXPECT_EQ(luamem_resetref(state_, 1, others, 3, count_release, 0), 1);
    EXPECT_EQ(releases, 0) << "no cleanup was asked for";
    EXPECT_EQ(luamem_setref(state_, 1, bytes, 3, count_release), 1);
    EXPECT_EQ(releases, 1);
    lua_setglobal(state_, "m");
    EXPECT_EQ(run("return memory.type(m) .. tostring(m)"), "otherabc");
    EXPECT_EQ(run("getmetatable(m).__close(m) return memory.type(m) .. #m"), "other0");
    EXPECT_EQ(releases, 2);
    run("m = nil collectgarbage()");
    EXPECT_EQ(releases, 2);
    lua_pushinteger(state_, 1);
    EXPECT_EQ(luamem_setref(state_, -1, bytes, 3, count_release), 0);
}

TEST_F(c_api, an_empty_reference_calls_nothing_when_collected) {
    char bytes[] = "";
    luamem_newref(state_);
    luamem_setref(state_, 1, bytes, 0, count_release);
    lua_settop(state_, 0);
    lua_gc(state_, LUA_GCCOLLECT, 0);
    EXPECT_EQ(releases, 0);
}

TEST_F(c_api, resizable_memories_take_exactly_their_bytes_from_the_allocator) {
    open();
    run("m = memory.create() m.resize(m, 1)");
    run("collectgarbage() collectgarbage('stop')");
    EXPECT_EQ(run("return m:resize(12345)"), "nil");
    EXPECT_EQ(heap_.last_request, 12345U) << "the request before was that of the function run";
    lua_getglobal(state_, "m");
    luamem_Unref unref = nullptr;
    luamem_tomemoryx(state_, -1, nullptr, &unref, nullptr);
    EXPECT_EQ(unref, luamem_free);
    auto* bytes = static_cast<char*>(luamem_realloc(state_, nullptr, 0, 7));
    luamem_setref(state_, -1, bytes, 7, luamem_free);
    EXPECT_EQ(run("m:resize(9, 'x') return memory.type(m) .. m:tostring(8)"), "resizablexx");
}

TEST_F(c_api, arrays_are_strings_numbers_and_memories) {
    lua_pushliteral(state_, "ab");
    lua_pushinteger(state_, 12);
    luamem_newalloc(state_, 4);
    lua_pushboolean(state_, 1);
    std::size_t size = 0;
    EXPECT_TRUE(luamem_isarray(state_, 1) && luamem_isarray(state_, 2));
    EXPECT_TRUE(luamem_isarray(state_, 3) && !luamem_isarray(state_, 4));
    EXPECT_STREQ(luamem_toarray(state_, 1, &size), "ab");
    EXPECT_STREQ(luamem_toarray(state_, -3, &size), "12");
    EXPECT_EQ(size, 2U);
    EXPECT_EQ(luamem_checkarray(state_, 3, &size), lua_touserdata(state_, 3));
    EXPECT_EQ(size, 4U);
    EXPECT_EQ(luamem_toarray(state_, 4, &size), nullptr);
    EXPECT_EQ(size, 0U);
    EXPECT_STREQ(luamem_asarray(state_, -1, &size), "true");
    EXPECT_STREQ(lua_tostring(state_, 4), "true");
    EXPECT_STREQ(luamem_optarray(state_, 5, "default", &size), "default");
    EXPECT_EQ(size, 7U);
    EXPECT_EQ(luamem_optarray(state_, 5, nullptr, &size), nullptr);
    EXPECT_EQ(size, 0U);
    EXPECT_EQ(lua_gettop(state_), 4);
}

int concat_all(lua_State* state) {
    luaL_Buffer buffer;
    luaL_buffinit(state, &buffer);
    const int count = static_cast<int>(lua_tointeger(state, lua_upvalueindex(1)));
    for (int index = 1; index <= count; index++) {
        lua_pushvalue(state, index);
        luamem_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    return 1;
}

TEST_F(c_api, addvalue_appends_strings_numbers_and_memories) {
    open();
    lua_pushinteger(state_, 5);
    lua_pushcclosure(state_, concat_all, 1);
    lua_setglobal(state_, "concat_all");
    EXPECT_EQ(run("local long = ('x'):rep(5000) "
                  "return concat_all('a', memory.create('b'), 3, memory.create(long), "
                  "memory.create()) == 'ab3' .. long"),
              "true");
}

// Makes a new start: the module is loaded, and its metatables made, in the call that follows.
void forget_module(lua_State* state) {
    // What the metatables were given to has to be collected while they are known.
    lua_gc(state, LUA_GCCOLLECT, 0);
    luaL_getsubtable(state, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(state, luaopen_memory);
    lua_setfield(state, -2, "memory");
    luaL_getsubtable(state, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushnil(state);
    lua_setfield(state, -2, "memory");
    lua_pop(state, 2);
    for (const char* key : {LUAMEM_ALLOC, LUAMEM_REF}) {
        lua_pushnil(state);
        lua_setfield(state, LUA_REGISTRYINDEX, key);
    }
}

// Calls the function at index 1 with an allocator that fails from request `number` on.
int run_with_failure(lua_State* state, heap& source, int number) {
    forget_module(state);
    lua_pushvalue(state, 1);
    source.calls_until_failure = number;
    const int status = lua_pcall(state, 0, 0, 0);
    source.calls_until_failure = -1;
    lua_settop(state, 1);
    return status;
}

TEST_F(c_api, a_state_short_of_memory_loses_nothing) {
    luaL_openlibs(state_);
    luaL_loadstring(state_, "local memory = require 'memory' "
                            "local m = memory.create() m:resize(10, 'ab') "
                            "local f = memory.create(m, 2) "
                            "local s = m .. f .. 1.5 "
                            "m:resize(1000, m) m:pack('s1z', 1, 12.5, f) m:unpack('s1z') "
                            "m:resize(2000, 3.5) return memory.create(s)");
    int failures = 0;
    while (failures < 1000 && run_with_failure(state_, heap_, failures) != LUA_OK) {
        failures++;
        luaL_getmetatable(state_, LUAMEM_REF);
        if (lua_istable(state_, -1)) {
            EXPECT_EQ(lua_getfield(state_, -1, "__gc"), LUA_TFUNCTION) << failures;
        }
        lua_settop(state_, 1);
    }
    EXPECT_GT(failures, 20);
    EXPECT_LT(failures, 1000) << "it never got through";
}

} // namespace
