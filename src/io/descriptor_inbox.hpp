// Descriptors that came over a socket of domain share and that no read has returned yet.
#pragma once

#include "io/local.hpp"

#include <span>

namespace coring::io {

// Keeps them for the next reads, in their order; those for which there is no memory are closed.
void keep_descriptors(local_socket& of, std::span<const int> arrived) noexcept;

// The oldest one, which is the caller's then; -1 if there is none.
[[nodiscard]] int take_descriptor(local_socket& from) noexcept;

// Closes those that are there.
void close_inbox(local_socket& of) noexcept;

} // namespace coring::io
