// A piece of work on a file that cannot be done at once: how it stands in the file's line, gets
// to a worker or into the ring, and is left. The verbs on files derive from this.
#pragma once

#include "io/call.hpp"
#include "io/file.hpp"

namespace coring::io {

extern const op::operation_type file_work_type;

// A result that was known at once, delivered all the same by a later turn.
extern const op::operation_type file_result_type;

inline void settle_result(loop::loop& on, op::operation& idle, int result) noexcept {
    idle.arm();
    on.settle(idle, result);
}

enum class file_order : std::uint8_t {
    free,    // by an offset of its own
    in_line, // by the file's position, or changing what such work finds
};

// Made by the verb, with the file held; `destroy` lets go of it. Once started it is the
// operation's, or the worker's.
struct file_work : in_line, call_job {
    file_work(file& on_it,
              file_order place_of_it,
              body_function body,
              destroy_function destroy,
              void (*begin_it)(op::operation&) noexcept) noexcept;

    file* of;
    file_order order;
    bool on_worker = false;
    bool by_position = false; // uses and moves the file's own position
    bool has_effect = false;  // part of it is done: it goes on to its end when it is left

    // The waiter leaves and the work goes on: what it borrowed is to become its own. May be
    // null.
    void (*keep)(file_work&) noexcept = nullptr;

    // Fills a ring entry. Null for what only workers do.
    void (*prepare)(file_work&, proactor::submission&) noexcept = nullptr;

    // Makes the result of what the ring answered. False: there is more to do, by another entry.
    // Null: the answer is the result.
    bool (*finish)(file_work&, int answer, int& result) noexcept = nullptr;
};

// The work of an operation of file_work_type, while it has any.
template <typename Work>
[[nodiscard]] Work& work_of(const op::operation& of) noexcept {
    return *static_cast<Work*>(static_cast<file_work*>(static_cast<in_line*>(of.data)));
}

// The operation owns the work from here on. It begins now, or when its turn has come. Requires
// loop.open_mailbox() succeeded.
void file_work_start(op::operation& idle, file_work& work) noexcept;

// For `begin`: hands the queued operation to a worker. If that fails, so does the operation.
void run_on_worker(op::operation& queued) noexcept;

// The same, but to the ring if there is one, a turn is running (between turns nobody would
// enter the ring, and what was begun must go on) and the work has its own offset: by position,
// a write that the ring ends half-way does not move the position. For works that can prepare an
// entry.
void run_in_ring_or_on_worker(op::operation& queued) noexcept;

// Whether there is a ring, and a turn is running.
[[nodiscard]] inline bool may_use_ring(const loop::loop& on) noexcept {
    return on.takes_entries() && on.in_turn();
}

// Memory for a work and `extra` bytes behind it, all aligned for copies to and from the kernel;
// null when memory is short. Any thread may free it.
inline constexpr std::size_t work_alignment = 64;
[[nodiscard]] void* allocate_work(std::size_t size, std::size_t extra) noexcept;

// Frees a work made in memory of allocate_work(), and lets go of its file.
void destroy_work(file_work& done) noexcept;

} // namespace coring::io
