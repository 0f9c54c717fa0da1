// State coroutines: chunks in states of their own, resumed one at a time by workers. Manual:
// State Coroutines. Behaviour 15.2.
#pragma once

#include "base/message.hpp"
#include "io/call.hpp"
#include "lua/vm/new_state.hpp"
#include "lua/vm/scheduler.hpp"
#include "lua/vm/transfer.hpp"

#include <cstdint>

#include <lua.hpp>

namespace coring::lua {

enum class coroutine_phase : std::uint8_t { suspended, running, dead };

// One state coroutine, and the job that resumes it. Owned by its userdata and, from begin()
// until the operation lets go of it, by the operation too: the last one ends it. While it runs,
// all but `phase` and who owns it is its worker's.
struct state_coroutine final : io::call_job {
    explicit state_coroutine(loop::loop& on) noexcept;
    state_coroutine(const state_coroutine&) = delete;
    state_coroutine& operator=(const state_coroutine&) = delete;
    state_coroutine(state_coroutine&&) = delete;
    state_coroutine& operator=(state_coroutine&&) = delete;

    // It is handed to the workers: the arguments are in `values`.
    void begin() noexcept;

    // Closes its state, here and now. Requires that it does not run. An error of the chunk that
    // nobody has asked for yet is in `error` then, if `failed` says so.
    void close() noexcept;

    // As close(), but one that runs is closed when it has stopped.
    void close_in_time() noexcept;

    // The userdata is gone: closes it in time and frees it.
    void abandon() noexcept;

    vm::independent_state* state = nullptr; // null once closed
    base::message values;                   // arguments, then results
    vm::packing packed{};                   // how the packing of results ended
    base::message error;
    vm::packing error_packed{};
    bool failed = false;  // the last resume ended with an error, or the chunk with closing
    bool starved = false; // there was no memory for the arguments: it was not resumed
    coroutine_phase phase = coroutine_phase::suspended;

private:
    ~state_coroutine();

    static int resume(call_job& job) noexcept;
    static void let_go(call_job& job) noexcept;
    void fail() noexcept;
    void end_chunk() noexcept;

    coroutine_phase next_ = coroutine_phase::suspended; // what it will be when it has stopped
    bool held_ = true;                                  // by its userdata
    bool leaving_ = false;                              // to be closed when it has stopped
};

// The argument as a state coroutine; null for one that was finalized, which is dead. Raises for
// everything else.
[[nodiscard]] state_coroutine*
check_state_coroutine(lua_State* L, int arg, const vm::scheduler& on);

[[nodiscard]] inline coroutine_phase phase_of(const state_coroutine* of) noexcept {
    return of != nullptr ? of->phase : coroutine_phase::dead;
}

// Pushes false and the error of a chunk, or why it cannot be transferred; returns 2. May raise.
int push_chunk_error(lua_State* L, const state_coroutine& of);

} // namespace coring::lua
