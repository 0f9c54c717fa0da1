// The verb behind directory listings: reads all entries at once, sorted by the bytes of their
// names.
#pragma once

#include "io/path_job.hpp"

#include <cstddef>
#include <cstdint>

namespace coring::io {

// Names with their types, in two blocks however many there are: a byte for the type (DT_*) and
// the name, ended by zero, one entry after the other; and where each begins, in order.
struct name_list {
    char* bytes = nullptr;
    std::uint32_t* order = nullptr;
    std::uint32_t count = 0;

    // Requires index < count.
    [[nodiscard]] unsigned char type_of(std::uint32_t index) const noexcept {
        return static_cast<unsigned char>(bytes[order[index]]);
    }

    [[nodiscard]] const char* name_of(std::uint32_t index) const noexcept {
        return bytes + order[index] + 1;
    }

    // Frees the blocks, if there are any.
    void release() noexcept;
};

struct list_call : on_paths {
    name_list found;

    [[nodiscard]] int run() noexcept;

    void release() noexcept { found.release(); }
};

} // namespace coring::io
