// The module coutil.coroutine. Manual: State Coroutines (coroutine.close, coroutine.load,
// coroutine.loadfile, coroutine.status). Behaviour 15.2.
#include "lua/state_coroutine.hpp"
#include "lua/vm/memory.hpp"
#include "lua/vm/module.hpp"
#include "lua/vm/reply.hpp"

#include <new>
#include <utility>

namespace coring::lua {

namespace {

constexpr const char* class_name = "coutil:coroutine";

// Pushes a state coroutine without a chunk. The userdata comes first: it owns what follows from
// the first moment.
state_coroutine& push_coroutine(lua_State* L, vm::scheduler& on) {
    auto** block = static_cast<state_coroutine**>(lua_newuserdatauv(L, sizeof(void*), 0));
    *block = nullptr;
    vm::set_class(L, vm::class_id::state_coroutine);
    *block = new (std::nothrow) state_coroutine{on.on()};
    if (*block == nullptr) {
        vm::raise_no_memory(L);
    }
    state_coroutine& made = **block;
    made.state = vm::new_state(L);
    if (made.state == nullptr) {
        made.phase = coroutine_phase::dead;
        vm::raise_no_memory(L);
    }
    return made;
}

// The new coroutine is on top of the stack: it is what is returned, or why it has no chunk.
int reply_loaded(lua_State* L, state_coroutine& made, bool loaded) {
    if (loaded) {
        return 1;
    }
    lua_State* main = made.state->main();
    made.error_packed = vm::pack(main, lua_gettop(main), made.error);
    made.close();
    return push_chunk_error(L, made);
}

int coroutine_load(lua_State* L) {
    vm::scheduler& on = vm::scheduler_of(L);
    const std::string_view text = vm::check_input(L, 1, on).bytes;
    const char* name = luaL_optstring(L, 2, nullptr);
    const char* mode = luaL_optstring(L, 3, nullptr);
    lua_settop(L, 3);
    if (name == nullptr) {
        name = lua_isstring(L, 1) != 0 ? text.data()
                                       : lua_pushlstring(L, text.data(), text.size());
    }
    state_coroutine& made = push_coroutine(L, on);
    // Looked up again: finalizers may have run and moved the bytes of a memory.
    const std::string_view chunk = vm::check_input(L, 1, on).bytes;
    return reply_loaded(L, made, made.state->load(chunk, name, mode));
}

int coroutine_loadfile(lua_State* L) {
    vm::scheduler& on = vm::scheduler_of(L);
    const char* path = luaL_optstring(L, 1, nullptr);
    const char* mode = luaL_optstring(L, 2, nullptr);
    state_coroutine& made = push_coroutine(L, on);
    return reply_loaded(L, made, made.state->load_file(path, mode));
}

int coroutine_status(lua_State* L) {
    switch (phase_of(check_state_coroutine(L, 1, vm::scheduler_of(L)))) {
    case coroutine_phase::suspended:
        lua_pushliteral(L, "suspended");
        return 1;
    case coroutine_phase::running:
        lua_pushliteral(L, "running");
        return 1;
    case coroutine_phase::dead:
        lua_pushliteral(L, "dead");
        return 1;
    }
    return 0;
}

int coroutine_close(lua_State* L) {
    state_coroutine* closing = check_state_coroutine(L, 1, vm::scheduler_of(L));
    luaL_argcheck(L, phase_of(closing) != coroutine_phase::running, 1,
                  "cannot close a running coroutine");
    if (closing != nullptr) {
        closing->close();
        if (closing->failed) {
            return push_chunk_error(L, *closing);
        }
    }
    lua_pushboolean(L, 1);
    return 1;
}

state_coroutine*& block_of_self(lua_State* L) {
    return *static_cast<state_coroutine**>(lua_touserdata(L, 1));
}

// Closed objects stay: other variables may name them.
int coroutine_leave_scope(lua_State* L) {
    if (state_coroutine* left = block_of_self(L); left != nullptr) {
        left->close_in_time();
    }
    return 0;
}

// In a forked child one that runs is never released: its worker is in the parent.
int coroutine_collect(lua_State* L) {
    state_coroutine*& block = block_of_self(L);
    if (state_coroutine* collected = std::exchange(block, nullptr); collected != nullptr) {
        collected->abandon();
    }
    return 0;
}

constexpr luaL_Reg functions[] = {
    {"close", coroutine_close},   {"load", coroutine_load}, {"loadfile", coroutine_loadfile},
    {"status", coroutine_status}, {nullptr, nullptr},
};

constexpr luaL_Reg metamethods[] = {
    {"__gc", coroutine_collect},
    {"__close", coroutine_leave_scope},
    {nullptr, nullptr},
};

constexpr vm::class_module module{vm::class_id::state_coroutine, class_name, metamethods,
                                  functions, nullptr};

} // namespace

} // namespace coring::lua

extern "C" __attribute__((visibility("default"))) int luaopen_coutil_coroutine(lua_State* L);

extern "C" int luaopen_coutil_coroutine(lua_State* L) {
    return coring::lua::vm::open_module(L, coring::lua::module);
}
