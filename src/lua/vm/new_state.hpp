// Independent states: where state coroutines and tasks run (behaviour 15.1). Manual:
// Independent State.
#pragma once

#include "lua/vm/warnings.hpp"

#include <string_view>

#include <lua.hpp>

namespace coring::lua::vm {

// A state of its own, with the coroutine that runs its chunk. Used by one thread at a time,
// which need not be the same each time. None of its functions raises in any state.
class independent_state {
public:
    independent_state(const independent_state&) = delete;
    independent_state& operator=(const independent_state&) = delete;
    independent_state(independent_state&&) = delete;
    independent_state& operator=(independent_state&&) = delete;

    // Ends the chunk as end_chunk() does, then closes the state: its finalizers run here, and
    // what it still executes elsewhere is waited for.
    ~independent_state();

    // The thread that may always call, on whose stack whoever uses the state leaves nothing but
    // what is said here.
    [[nodiscard]] lua_State* main() const noexcept { return main_; }

    // The coroutine of the chunk; after a load it has the chunk on its stack.
    [[nodiscard]] lua_State* chunk() const noexcept { return chunk_; }

    // Compiles the chunk of a state that has none. A null mode allows all. False: the message
    // is on top of main()'s stack.
    [[nodiscard]] bool
    load(std::string_view text, const char* chunk_name, const char* mode) noexcept;

    // As load(), from a file, or from standard input if the path is null.
    [[nodiscard]] bool load_file(const char* path, const char* mode) noexcept;

    // Closes the pending variables of a chunk that is suspended or ended by an error. False:
    // the error, which the closing may have replaced, is on top of chunk()'s stack. The chunk
    // is over.
    [[nodiscard]] bool end_chunk() noexcept;

private:
    friend independent_state* new_state(lua_State* creator);

    independent_state() noexcept = default;

    [[nodiscard]] bool open(lua_State* creator, int preloads) noexcept;
    static int fill(lua_State* L);

    warning_lines warnings_;
    lua_State* main_ = nullptr;
    lua_State* chunk_ = nullptr;
};

// A fresh state for the creator, on its thread, to be ended with delete; null when memory is
// short. May raise, but then there is none.
[[nodiscard]] independent_state* new_state(lua_State* creator);

// Whether the state is an independent one.
[[nodiscard]] bool is_independent(lua_State* L) noexcept;

} // namespace coring::lua::vm
