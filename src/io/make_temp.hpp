// The verb behind maketemp: a file or directory under a name that nobody has.
#pragma once

#include "io/file_kind.hpp"
#include "io/path_job.hpp"

#include <array>
#include <cstdint>

#include <sys/types.h>

namespace coring::io {

enum class temporary_kind : std::uint8_t { directory, closed_file, open_file };

// `path` is the prefix.
struct make_temp_call : on_paths {
    static constexpr std::size_t longest_prefix = 249;
    static constexpr std::size_t name_room = longest_prefix + 7;

    temporary_kind kind = temporary_kind::directory;

    std::array<char, name_room> name{};
    int fd = -1; // of an open file
    file_traits traits;

    // Requires a prefix of at most the length above.
    [[nodiscard]] int run() noexcept;

    // The program has it now, and the descriptor, if there is one: it is not removed.
    [[nodiscard]] int take() noexcept;

    // Closes and removes what nobody took.
    void release() noexcept;

private:
    [[nodiscard]] bool still_there() const noexcept;

    bool made_ = false;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

} // namespace coring::io
