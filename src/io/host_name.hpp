// Host names as the resolver wants them: in ASCII, whatever script they are written in.
#pragma once

#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace coring::io {

// The longest name there is, in ASCII, with its terminator.
inline constexpr std::size_t host_name_room = 256;

// Writes the name, which is UTF-8, to `room`, with a terminator behind it: in ASCII as it is,
// else as internationalized names are looked up (IDNA 2008 with the mapping of UTS 46, by
// libidn2). Fails with EINVAL for a name that is empty or too long, and with
// base::invalid_character for one that is no UTF-8 or has characters no name may have.
[[nodiscard]] base::result<std::string_view>
host_name_in_ascii(std::string_view name, std::array<char, host_name_room>& room) noexcept;

} // namespace coring::io
