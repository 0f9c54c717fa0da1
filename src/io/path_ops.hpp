// Verbs on names: link, move, remove, make a directory. The kernel may have to write a journal
// or ask a server for each of them, so there is no attempt: a worker makes them.
#pragma once

#include "io/path_job.hpp"

#include <cstdint>

#include <sys/types.h>

namespace coring::io {

enum class link_kind : std::uint8_t { hard, symbolic };

// Makes `destiny` another name of the file `path`, or a symbolic link that reads `path`.
struct link_call : on_paths {
    link_kind kind = link_kind::hard;

    [[nodiscard]] int run() const noexcept;
};

// Gives the file the name `destiny`, taking that name from whatever file has it.
struct move_call : on_paths {
    [[nodiscard]] int run() const noexcept;
};

enum class remove_kind : std::uint8_t { file, directory };

struct remove_call : on_paths {
    remove_kind kind = remove_kind::file;

    [[nodiscard]] int run() const noexcept;
};

// The mask of the process applies to the permissions.
struct make_directory_call : on_paths {
    mode_t permissions = 0;

    [[nodiscard]] int run() const noexcept;
};

} // namespace coring::io
