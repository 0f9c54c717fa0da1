// The verb behind file:write for a file: bytes of one file go to the position of another.
// (Manual: file:write. Kernel: copy_file_range(2), sendfile(2), or read(2) and write(2); on a
// worker.)
#pragma once

#include "io/file_work.hpp"

#include <cstdint>

namespace coring::io {

struct copy_request {
    std::int64_t from; // the first byte of the source, counted from 0
    std::int64_t size; // more than zero; the source may end before
};

struct copied {
    std::int64_t count;
    int failed; // an errno, or zero
};

// All of it, however long it takes.
[[nodiscard]] copied
copy_blocking(const file& source, const file& target, const copy_request& asked) noexcept;

struct copy_work : file_work {
    file* source; // held
    copy_request asked;
    copied answer{0, 0};

    // Null when memory is short.
    [[nodiscard]] static copy_work*
    make(file& source, file& target, const copy_request& asked) noexcept;

private:
    copy_work(file& from, file& to, const copy_request& of) noexcept;
};

} // namespace coring::io
