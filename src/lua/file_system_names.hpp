// The names programs know file systems by.
#pragma once

#include <cstdint>

namespace coring::lua {

// The name for the number that statfs(2) tells, or "unknown".
[[nodiscard]] const char* file_system_name(std::uint32_t magic) noexcept;

} // namespace coring::lua
