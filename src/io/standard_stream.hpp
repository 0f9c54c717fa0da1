// The descriptors 0, 1 and 2 as this process found them: what they are, and duplicates of them
// that are ours. Their flags are others' affair too, and stay as they are. (Manual: Standard
// Streams; behaviour 8.1.)
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "io/file.hpp"
#include "io/stream.hpp"

#include <optional>

namespace coring::io {

enum class standard_kind : std::uint8_t {
    none, // closed, or of no use as a stream
    terminal,
    file,
    pipe,
    local_stream, // a Unix socket
    ip_stream,    // listening ones too
    datagram,     // of an IP domain
};

[[nodiscard]] standard_kind kind_of_standard(int fd) noexcept;

// Close-on-exec, and none of the three numbers.
[[nodiscard]] base::result<base::unique_fd> duplicate_standard(int fd) noexcept;

// As duplicate_standard(), but a description of its own if the terminal can be opened once
// more: then nobody can be faster at it between our asking and our reading.
[[nodiscard]] base::result<base::unique_fd> duplicate_terminal(int fd) noexcept;

// The descriptor becomes the closed object's. The first is for pipes and terminals, which may
// be open for one direction only.
void adopt_plain(stream& closed, base::unique_fd fd) noexcept;
void adopt_socket(stream& closed, base::unique_fd fd) noexcept;
void adopt_standard_file(file& closed, base::unique_fd fd) noexcept;

// Puts something in the place of those of the three that are closed, so that no descriptor
// opened later gets such a number and is taken for a standard stream. It fails as a closed one
// does, and programs that are executed see a closed one.
void hold_standard_places() noexcept;

} // namespace coring::io
