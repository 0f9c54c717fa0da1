// The verb behind file:write for bytes, to files that are stored. (Manual: file:write. Kernel:
// pwritev2(2) with RWF_NOWAIT where there is such a thing, else IORING_OP_WRITE, or write(2) on
// a worker.)
#pragma once

#include "io/file_attempt.hpp"
#include "io/file_work.hpp"
#include "io/read.hpp"

#include <cstdint>
#include <string_view>

namespace coring::io {

// Writes what can be written without waiting for a device.
[[nodiscard]] file_attempt
write_now(file& to, std::string_view bytes, std::int64_t offset) noexcept;

// Writes all of it, however long it takes; the file may be flowing.
struct written {
    std::uint64_t count;
    int failed; // an errno, or zero
};

[[nodiscard]] written
write_blocking(const file& to, std::string_view bytes, std::int64_t offset) noexcept;

// A worker only ever touches memory of the engine. That is filled with at most so many bytes of
// the program's at a time; the rest stays where it is while the waiter waits, and is copied if
// it leaves.
inline constexpr std::size_t write_chunk = std::size_t{1} << 20;

struct write_work : file_work {
    std::uint64_t count;   // bytes written
    int failed = 0;        // an errno that ended it
    std::int64_t offset;   // where the chunk goes, or at_position
    std::size_t room;      // bytes of the buffer behind this structure
    std::size_t staged;    // bytes in it
    std::size_t taken;     // of those, bytes that are written
    std::string_view rest; // what comes after them
    char* kept = nullptr;  // the memory of `rest`, if it is ours

    // Writes `bytes`, after `before` bytes that are written already. `moves`: their memory may
    // move or go while the waiter waits. Null when memory is short.
    [[nodiscard]] static write_work* make(file& to,
                                          std::string_view bytes,
                                          std::int64_t offset,
                                          std::size_t before,
                                          bool moves) noexcept;

    [[nodiscard]] char* buffer() noexcept;

private:
    write_work(file& to, std::int64_t at, std::size_t size, std::size_t before) noexcept;
};

} // namespace coring::io
