// The verb behind file:read, for files that are stored. (Manual: file:read. Kernel: preadv2(2)
// with RWF_NOWAIT, then IORING_OP_READ or pread(2) on a worker.)
#pragma once

#include "io/file_attempt.hpp"
#include "io/file_work.hpp"

#include <cstdint>
#include <span>

namespace coring::io {

// The first attempt of a read: what is there without waiting for a device, straight into the
// range. `start` is start_of() the offset. Where the last attempts were in vain, and the ring
// is to be had for what has to wait, it is left out now and then: the ring looks at the caches
// itself.
[[nodiscard]] file_attempt
read_first(file& from, std::span<char> into, std::int64_t offset, std::int64_t start) noexcept;

// read(2) or pread(2), however long it takes: a count, or a negative errno.
[[nodiscard]] int
read_blocking(const file& from, std::span<char> into, std::int64_t offset) noexcept;

// What had to wait is read into memory of the engine, at most so many bytes at a time, and
// copied when it is delivered: the program may do with its memory what it likes meanwhile.
inline constexpr std::size_t read_chunk = std::size_t{256} << 10;

struct read_work : file_work {
    std::int64_t offset;  // of the chunk, or at_position
    std::size_t wanted;   // bytes of the chunk
    std::size_t room;     // bytes of the buffer, which lies behind this structure
    std::size_t got = 0;  // bytes of the chunk that are there
    std::size_t done;     // bytes that stand in the range already
    bool tried;           // what the caches hold was looked for
    bool no_ring = false; // the ring refused to wait

    // Reads what is left of the range after an attempt, or all of it if there was none. Null
    // when memory is short.
    [[nodiscard]] static read_work* make(file& from,
                                         std::size_t size,
                                         std::int64_t offset,
                                         const file_attempt* before) noexcept;

    [[nodiscard]] std::span<char> buffer() noexcept;

private:
    read_work(file& from,
              std::int64_t at,
              std::size_t size,
              const file_attempt* tried) noexcept;
};

// A chunk is there. Copies it to its place in the range, as that is now, and reads on if the
// range is not full. True: the result is in `result`; false: the operation waits again.
// Requires the state delivering.
[[nodiscard]] bool
read_arrived(op::operation& delivering, std::span<char> range, int& result) noexcept;

} // namespace coring::io
