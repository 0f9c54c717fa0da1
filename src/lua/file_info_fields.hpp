// What each character of fileinfo and file:info stands for (behaviour 12.5).
#pragma once

#include "io/stat.hpp"

#include <cstdint>

#include <lua.hpp>

namespace coring::lua {

// What has to be asked for a character.
enum class info_source : std::uint8_t { none, status, system, real_path, link };

[[nodiscard]] info_source source_of(char letter) noexcept;

// Pushes one value. Requires that the source of `letter` was asked. May raise for memory.
void push_info(lua_State* L, char letter, const io::stat_call& from);

// "file", "directory" and so on, for the bits of a mode that tell the type.
[[nodiscard]] const char* file_type_name(mode_t mode) noexcept;

} // namespace coring::lua
