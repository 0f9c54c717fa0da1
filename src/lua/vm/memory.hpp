// Buffer arguments: memories to read into, strings and memories to write from, and the ranges
// i and j of them (behaviour 5).
#pragma once

#include "lua/vm/scheduler.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace coring::lua::vm {

// What may happen to bytes while an operation needs them.
enum class bytes_kind : std::uint8_t { string, fixed_memory, resizable_memory };

struct input_bytes {
    std::string_view bytes;
    bytes_kind kind;
};

// The bytes of a memory as they are now. Raises "memory expected, got T" for anything else.
std::span<char> check_memory(lua_State* L, int arg, const scheduler& on);

// The same, with the kind of memory.
struct memory_bytes {
    std::span<char> bytes;
    bytes_kind kind;
};

[[nodiscard]] memory_bytes check_memory_of_kind(lua_State* L, int arg, const scheduler& on);

// The bytes of an argument that was found to be a fixed memory, which it remains.
[[nodiscard]] inline std::span<char> fixed_memory(lua_State* L, int arg) {
    return {static_cast<char*>(lua_touserdata(L, arg)), lua_rawlen(L, arg)};
}

// The bytes of an argument that was found to be a memory; empty if it has none, or was closed.
[[nodiscard]] std::span<char> memory_now(lua_State* L, int arg, const scheduler& on);

// The bytes of a memory, or nothing for anything else.
[[nodiscard]] std::optional<std::string_view>
test_memory(lua_State* L, int arg, const scheduler& on);

// Checks i and j at `arg` and `arg` + 1: integers, or nil or absent for the defaults.
void check_range(lua_State* L, int arg);

// The part of `whole` that the checked i and j at `arg` name now. Never raises.
[[nodiscard]] std::span<char> range_now(lua_State* L, int arg, std::span<char> whole);

// A number becomes its text. Comes before an object is checked whose state must not change
// until it is used: making a string may run finalizers.
void spell_number(lua_State* L, int arg);

// A string, a number (made a string in place) or a memory. Raises "string or memory expected".
[[nodiscard]] input_bytes check_input(lua_State* L, int arg, const scheduler& on);

// The part of input bytes that i and j at `arg` name. Raises if they are no integers.
[[nodiscard]] std::string_view check_input_range(lua_State* L, int arg, std::string_view whole);

} // namespace coring::lua::vm
