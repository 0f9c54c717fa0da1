// The calls with which a stream gives bytes away and does not wait, whatever it is: a socket, a
// pipe, a terminal. Each answers a count, or a negative errno.
#pragma once

#include "io/stream.hpp"

#include <span>
#include <string_view>

#include <sys/uio.h>

namespace coring::io {

[[nodiscard]] int give_now(stream& to, std::string_view bytes) noexcept;

// Bytes from several places, in their order.
[[nodiscard]] int give_gathered_now(stream& to, std::span<const iovec> parts) noexcept;

// The rest of what the peer has begun to receive will never come: it learns of that as an end
// that is no good one, where there is such a thing.
void break_off(stream& to) noexcept;

} // namespace coring::io
