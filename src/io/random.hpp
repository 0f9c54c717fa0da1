// The verb behind system.random. Bytes of the kernel's generator are made by the processor, not
// waited for: a few are made when they are delivered, many by a worker.
// (Manual: system.random.)
#pragma once

#include "io/call.hpp"

#include <array>
#include <span>

namespace coring::io {

// So many bytes are made in about 40 µs: the loop can spare that.
inline constexpr std::size_t quick_random_size = 16384;

// More than that is refused.
inline constexpr std::size_t largest_random_size = 0x7FFFFFFF;

extern const op::operation_type random_type;

// Whether bytes can be had without waiting: from soon after the system started, for ever. May
// be asked from any thread.
[[nodiscard]] bool random_is_ready() noexcept;

// Fills all of it, waiting until that is possible. Zero or an errno. Any thread.
[[nodiscard]] int fill_random(std::span<char> into) noexcept;

// Makes the operation ready at once: the bytes are to be made when it is delivered.
void random_start(loop::loop& on, op::operation& idle) noexcept;

// Many bytes, made by a worker piece by piece: what the program can see is written to by the
// loop's thread only, and only while the coroutine waits. Never shows its bytes to whoever gets
// its memory next.
struct random_call : call_job {
    static constexpr std::size_t piece_size = 262144;

    random_call(loop::loop& on, std::size_t size) noexcept;

    // Copies the piece that was made to where it belongs; false if more has to be made. `into`
    // may have become smaller than what was asked for.
    [[nodiscard]] bool take(std::span<char> into) noexcept;

    std::size_t size;      // of all
    std::size_t taken = 0; // how much of that is in place
    std::array<char, piece_size> piece;
};

} // namespace coring::io
