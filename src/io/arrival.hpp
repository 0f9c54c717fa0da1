// Descriptors that came from elsewhere: which of them are stream sockets, and making sockets of
// ours of those. (Behaviour 7.8.)
#pragma once

#include "io/stream.hpp"

#include <optional>

namespace coring::io {

// What a descriptor is, as far as it is a socket of a domain we know.
struct arrival {
    domain in; // never share: that ability does not travel
    bool listening;
    bool connected;
};

// Nothing for what is no stream socket.
[[nodiscard]] std::optional<arrival> recognize(int fd) noexcept;

// The same for datagram sockets.
[[nodiscard]] std::optional<arrival> recognize_datagram(int fd) noexcept;

// The descriptor becomes the closed socket's.
void adopt_arrival(stream& closed, int fd, const arrival& recognized) noexcept;

} // namespace coring::io
