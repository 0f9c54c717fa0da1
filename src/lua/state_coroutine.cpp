#include "lua/state_coroutine.hpp"

#include "lua/vm/object.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

state_coroutine::state_coroutine(loop::loop& on) noexcept : call_job{on, resume, let_go} {}

state_coroutine::~state_coroutine() {
    delete state;
}

void state_coroutine::begin() noexcept {
    next_ = phase;
    phase = coroutine_phase::running;
}

// The operation is over, or never began.
void state_coroutine::let_go(call_job& job) noexcept {
    auto& self = static_cast<state_coroutine&>(job);
    self.values.clear();
    self.phase = self.next_;
    if (!self.held_) {
        delete &self;
    } else if (self.leaving_) {
        self.close();
    }
}

void state_coroutine::close_in_time() noexcept {
    if (phase == coroutine_phase::running) {
        leaving_ = true;
    } else {
        close();
    }
}

void state_coroutine::abandon() noexcept {
    held_ = false;
    if (phase != coroutine_phase::running) {
        delete this;
    }
}

void state_coroutine::close() noexcept {
    if (state == nullptr) {
        failed = false;
        return;
    }
    if (phase == coroutine_phase::suspended) {
        end_chunk();
    }
    delete state;
    state = nullptr;
    phase = coroutine_phase::dead;
}

// The error is on top of the chunk's stack.
void state_coroutine::fail() noexcept {
    lua_State* chunk = state->chunk();
    failed = true;
    error_packed = vm::pack(chunk, lua_gettop(chunk), error);
}

void state_coroutine::end_chunk() noexcept {
    if (!state->end_chunk()) {
        fail(); // what the closing of variables raised comes in place of what was raised before
    }
}

// On a worker.
int state_coroutine::resume(call_job& job) noexcept {
    auto& self = static_cast<state_coroutine&>(job);
    lua_State* chunk = self.state->chunk();
    const auto arguments = static_cast<int>(self.values.values().size());
    self.failed = false;
    self.starved = !vm::unpack_protected(self.state->main(), chunk, self.values);
    self.values.clear();
    if (self.starved) {
        return 0;
    }
    int results = 0;
    const int status = lua_resume(chunk, self.state->main(), arguments, &results);
    if (status != LUA_OK && status != LUA_YIELD) {
        self.next_ = coroutine_phase::dead;
        self.fail();
        self.end_chunk();
        return 0;
    }
    self.next_ = status == LUA_YIELD ? coroutine_phase::suspended : coroutine_phase::dead;
    // Only these: below may be what a C function left on the stack before it yielded.
    self.packed = vm::pack(chunk, lua_gettop(chunk) - results + 1, self.values);
    lua_pop(chunk, results);
    return 0;
}

state_coroutine* check_state_coroutine(lua_State* L, int arg, const vm::scheduler& on) {
    return *static_cast<state_coroutine**>(
        vm::check_object(L, arg, on, vm::class_id::state_coroutine, "coutil:coroutine"));
}

int push_chunk_error(lua_State* L, const state_coroutine& of) {
    lua_pushboolean(L, 0);
    if (of.error_packed.end == vm::packing_end::not_transferable) {
        lua_pushfstring(L, "unable to transfer error (got %s)", of.error_packed.type);
    } else if (!of.error_packed.done()) {
        lua_pushliteral(L, "not enough memory");
    } else {
        vm::unpack(L, of.error);
    }
    return 2;
}

} // namespace coring::lua
