// The verb behind fileinfo and file:info: what the kernel tells about a file, its file system,
// its real path and its text as a link.
#pragma once

#include "io/file_attributes.hpp"

#include <array>

#include <limits.h>
#include <sys/stat.h>
#include <sys/statfs.h>

namespace coring::io {

// Room for the answers that are texts; few ask for them.
struct stat_texts {
    std::array<char, PATH_MAX> real{};
    std::array<char, PATH_MAX + 1> link{};
};

// Asks for what is wanted, in this order: status, file system, real path, link. Ends with the
// first that fails.
struct stat_call : on_file {
    bool wants_status = false;
    bool wants_system = false; // always of what a link leads to
    bool wants_real = false;
    bool wants_link = false;
    bool is_local = false; // the open file is on a file system that asks no server

    // Required if a text is wanted. Freed by release() if it was made by own_texts().
    stat_texts* texts = nullptr;
    bool owns_texts = false;

    struct statx status {};

    struct statfs system {};

    bool is_link = false;

    [[nodiscard]] int run() noexcept;

    // The same, from what the kernel has in memory. -EAGAIN: that is not enough.
    [[nodiscard]] int attempt() noexcept;

    [[nodiscard]] bool wants_texts() const noexcept { return wants_real || wants_link; }

    // False when memory is short.
    [[nodiscard]] bool own_texts() noexcept;

    void release() noexcept;

private:
    [[nodiscard]] int run_status() noexcept;
    [[nodiscard]] int run_system() noexcept;
    [[nodiscard]] int run_real() noexcept;
    [[nodiscard]] int run_link() noexcept;
    void learn() const noexcept;
    [[nodiscard]] int attempt_on(int at) noexcept;
};

} // namespace coring::io
