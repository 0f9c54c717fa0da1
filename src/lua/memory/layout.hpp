// How memory objects look in binary (behaviour 16.2, "Binary interface"). Other native code
// relies on every line of it, so nothing here may change without breaking programs already
// compiled.
#pragma once

#include <cstddef>
#include <type_traits>

#include <lua.hpp>

namespace coring::lua::memory {

// The metatables are kept in the registry of each Lua state under these keys. A value is a
// memory when its metatable is the very table found there; the name field proves nothing.
inline constexpr const char* fixed_key = "char[]";
inline constexpr const char* reference_key = "luamem_Ref";

// What releases the bytes a reference points to. Called at most once for each block.
using unref_function = void (*)(lua_State* state, void* bytes, std::size_t size);

// The block of a referenced memory: a full userdata without user values. A fixed memory has no
// such record; its block is the contents, and the block's size is the memory's size.
struct reference {
    char* bytes;
    std::size_t size;
    unref_function unref;
};

static_assert(std::is_standard_layout_v<reference> && std::is_trivial_v<reference>);
static_assert(sizeof(reference) == 3 * sizeof(void*));

// The type codes of the C functions.
enum class kind : int { none = 0, fixed = 1, reference = 2 };

} // namespace coring::lua::memory
