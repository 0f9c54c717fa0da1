// An open file: its descriptor, who uses it, and the operations that wait for each other.
// (Manual: File System, the object that openfile makes.)
#pragma once

#include "io/back_off.hpp"
#include "io/file_kind.hpp"
#include "loop/loop.hpp"
#include "op/descriptor.hpp"
#include "op/operation.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace coring::io {

// Operations that take effect one at a time, in the order of the calls.
struct file_line {
    op::operation* head = nullptr; // whose turn it is
    op::operation_list behind;
};

// What an operation that stands in a line has as its data, or begins its data with.
struct in_line {
    // Its turn has come; it is queued, and in no list.
    void (*begin)(op::operation& next) noexcept;
};

// An offset that is none: the file's own position is used, and moved.
inline constexpr std::int64_t at_position = -1;

// Lives apart from the object of the program and is counted: the object is one user, and so is
// each operation that needs the descriptor. The last one closes it, on whatever thread. The
// count apart, all of it belongs to the loop's thread.
struct file : op::descriptor, loop::companion {
    loop::loop* on = nullptr;
    std::atomic<std::uint32_t> uses{1};
    file_traits traits;
    bool quick_reads = true;  // no answer yet that it has no reads that do not wait
    bool quick_writes = true; // the same of writes
    back_off attempts;        // at reads for which the caches might do
    bool at_start = false;    // nobody has used its position yet: it is zero
    bool foreign = false;     // a standard stream: others rely on its description
    file_line position;       // whatever uses or moves the position; writes, if it is flowing
    file_line input;          // reads of a flowing file
};

// A file without descriptor and with one user; null when memory is short.
[[nodiscard]] file* make_file(loop::loop& on) noexcept;

// Gives the file its descriptor, which is the file's from then on.
void adopt(file& made, int fd, const file_traits& traits) noexcept;

// Where in the file an access begins, or at_position if nobody knows. Every access by the
// position has to ask, since it moves it.
[[nodiscard]] inline std::int64_t start_of(file& of, std::int64_t offset) noexcept {
    if (offset != at_position) {
        return offset;
    }
    return std::exchange(of.at_start, false) ? 0 : at_position;
}

// One more user. The loop's thread.
inline void hold(file& of) noexcept {
    of.uses.fetch_add(1, std::memory_order_relaxed);
}

// One user less; the last one closes the descriptor and frees the file. `abandoned`: the caller
// is a job that a loop left behind, which is then gone (call_job::is_abandoned).
void let_go(file& of, bool abandoned = false) noexcept;

// The object of the program gives up its use, on the loop's thread. What is in progress goes
// on.
void retire(file& of) noexcept;

// Whether operations use the descriptor besides the object.
[[nodiscard]] inline bool is_in_use(const file& of) noexcept {
    return of.uses.load(std::memory_order_acquire) > 1;
}

// Stands in the line. True: it is this operation's turn now, and the caller begins it.
[[nodiscard]] bool enter_line(file_line& line, op::operation& armed) noexcept;

// The operation has ended, or need not be waited for any more: the next one's turn.
void leave_line(file& of, file_line& line, op::operation& ended) noexcept;

} // namespace coring::io
