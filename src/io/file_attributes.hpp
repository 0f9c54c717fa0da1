// Verbs on what a file is besides its bytes: times, owner, permissions. Each is about a path or
// about a descriptor.
#pragma once

#include "io/path_job.hpp"

#include <cstdint>

#include <sys/types.h>
#include <time.h>

namespace coring::io {

// Whether a symbolic link stands for itself or for what it leads to.
enum class links : std::uint8_t { followed, kept };

// The file that is meant: that of the descriptor, if there is one, else that of the path.
struct on_file : on_paths {
    int fd = -1;
    links through = links::followed;
};

struct touch_call : on_file {
    timespec access{};
    timespec modification{};

    [[nodiscard]] int run() const noexcept;
};

// An id of -1 stays as it is.
struct own_call : on_file {
    uid_t user = 0;
    gid_t group = 0;

    [[nodiscard]] int run() const noexcept;
};

// Symbolic links have no permissions: they are always followed.
struct grant_call : on_file {
    mode_t permissions = 0;

    [[nodiscard]] int run() const noexcept;
};

} // namespace coring::io
