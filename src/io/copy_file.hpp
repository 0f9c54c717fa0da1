// The verb behind copyfile: one file's bytes and permissions under another name.
#pragma once

#include "io/path_job.hpp"

#include <cstdint>

namespace coring::io {

// Whether the copy shares its blocks with the original until one of them is written.
enum class cloning : std::uint8_t { never, tried, required };

enum class existing : std::uint8_t { replaced, refused };

struct copy_file_call : on_paths {
    cloning clone = cloning::never;
    existing old = existing::replaced;

    [[nodiscard]] int run() const noexcept;
};

} // namespace coring::io
