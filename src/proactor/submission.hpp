// One submission entry while a verb fills it: what our verbs may ask of a ring, by name.
#pragma once

#include <cstddef>
#include <cstdint>

#include <linux/io_uring.h>

namespace coring::proactor {

// A view of one entry. The caller sets who it is for; the verb says what.
class submission {
public:
    explicit submission(io_uring_sqe& entry) noexcept : entry_{&entry} {}

    void set_user_data(std::uint64_t user_data) noexcept { entry_->user_data = user_data; }

    // Completes once when `fd` has one of `events` (poll(2)); checks at submission (since 5.1).
    void poll(int fd, std::uint32_t events) noexcept {
        entry_->opcode = IORING_OP_POLL_ADD;
        entry_->fd = fd;
        entry_->poll32_events = events;
    }

    // send(2) (since 5.6). `flags` as there.
    void send(int fd, const void* bytes, std::size_t size, int flags) noexcept {
        entry_->opcode = IORING_OP_SEND;
        entry_->fd = fd;
        entry_->addr = reinterpret_cast<std::uintptr_t>(bytes);
        entry_->len = static_cast<std::uint32_t>(size);
        entry_->msg_flags = static_cast<std::uint32_t>(flags);
    }

    // pread(2) (since 5.6).
    void read(int fd, void* into, std::size_t size, std::int64_t offset) noexcept {
        entry_->opcode = IORING_OP_READ;
        entry_->fd = fd;
        entry_->addr = reinterpret_cast<std::uintptr_t>(into);
        entry_->len = static_cast<std::uint32_t>(size);
        entry_->off = static_cast<std::uint64_t>(offset);
    }

    // pwrite(2) (since 5.6).
    void write(int fd, const void* bytes, std::size_t size, std::int64_t offset) noexcept {
        entry_->opcode = IORING_OP_WRITE;
        entry_->fd = fd;
        entry_->addr = reinterpret_cast<std::uintptr_t>(bytes);
        entry_->len = static_cast<std::uint32_t>(size);
        entry_->off = static_cast<std::uint64_t>(offset);
    }

    // fsync(2) or fdatasync(2) (since 5.1).
    void sync(int fd, bool data_only) noexcept {
        entry_->opcode = IORING_OP_FSYNC;
        entry_->fd = fd;
        entry_->fsync_flags = data_only ? IORING_FSYNC_DATASYNC : 0;
    }

private:
    io_uring_sqe* entry_;
};

} // namespace coring::proactor
