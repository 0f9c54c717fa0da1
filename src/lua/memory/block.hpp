// Recognising memories and strings, and looking at their bytes (behaviour 5.1, 16.2).
//
// Whatever allocates in Lua may run a finalizer, which is program code and may resize or close
// the very memory we look at. So functions first check all their arguments, and only then ask
// for the bytes; and they ask again after each call that may allocate.
#pragma once

#include "lua/memory/layout.hpp"

#include <cstddef>

#include <lua.hpp>

namespace coring::lua::memory {

// Bytes to read, good until Lua runs again. `bytes` may be null when there are none.
struct view {
    const char* bytes;
    std::size_t size;
};

// Bytes of a memory, good until Lua runs again.
struct block {
    char* bytes;
    std::size_t size;
    unref_function unref;
    kind type;
};

// The block of the value at `index`; type `none` when it is no memory. Never raises.
block inspect(lua_State* state, int index);

// The reference at `index`, or null when the value is none. Never raises.
reference* to_reference(lua_State* state, int index);

// The block of the memory at argument `argument`, or raises "memory expected".
block check_memory(lua_State* state, int argument);

// Whether the value is a string, a number or a memory. Never raises.
bool is_array(lua_State* state, int index);

// Ensures that the argument is a string or a memory, or raises "string or memory expected". A
// number is replaced by its string, which is why this must come before bytes are asked for.
void check_array(lua_State* state, int argument);

// As check_array, but leaves an absent or nil argument alone and tells whether there is one.
bool opt_array(lua_State* state, int argument);

// The bytes of the string or memory at `index`, which check_array has seen. Never raises.
view array_at(lua_State* state, int index);

// A size of a memory, or raises "invalid size".
std::size_t check_size(lua_State* state, int argument);

// Whether the block is one that the program may resize: one that luamem_free will release.
bool is_resizable(const block& target);

// Pushes a fixed memory whose contents are not initialised.
char* push_fixed(lua_State* state, std::size_t size);

// Pushes a reference to nothing.
reference* push_reference(lua_State* state);

} // namespace coring::lua::memory
