// The verb behind file:close. The object is closed by the call itself; what is left to do is to
// close the descriptor, unless operations still use it: then the last of them does.
// (Manual: file:close. Kernel: close(2).)
#pragma once

#include "io/call.hpp"
#include "io/file.hpp"

namespace coring::io {

// Closes the descriptor here and now, if the object is its last user, and frees the file; gives
// it up otherwise. Zero, or the errno of the failed close: the file is then still there,
// without a descriptor.
[[nodiscard]] int close_file(file& of) noexcept;

// Closes what the loop cannot be told of: it has ended, or is that of the process we were
// forked from. Zero, or an errno as above.
[[nodiscard]] int close_inherited(file& of) noexcept;

// Whether closing may wait for a server or a daemon.
[[nodiscard]] inline bool closes_slowly(const file& of) noexcept {
    return of.traits.kind == file_kind::stored && !of.traits.local && !is_in_use(of);
}

// For a worker. Takes the descriptor of the file, which it frees. Null when memory is short,
// and then the file is as it was.
[[nodiscard]] call_job* make_close_job(file& of) noexcept;

} // namespace coring::io
