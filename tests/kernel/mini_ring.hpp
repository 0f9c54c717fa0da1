// The smallest ring that can ask the kernel a question: raw system calls, no policy, nothing of
// the engine. If a fact does not hold on a new kernel, the engine's own code is not in the way.
#pragma once

#include "base/unique_fd.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coring::kernel {

// The kind of ring the engine uses (decisions 14).
inline constexpr unsigned engine_flags =
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;

struct completion {
    std::uint64_t user_data;
    int result;
    unsigned flags;
};

// For the thread that made it. Calls answer as the system calls do, with negative errno.
class mini_ring {
public:
    explicit mini_ring(unsigned flags = engine_flags) noexcept {
        io_uring_params params{};
        params.flags = flags;
        fd_.reset(static_cast<int>(::syscall(__NR_io_uring_setup, entries, &params)));
        if (!fd_.valid()) {
            error_ = errno;
            return;
        }
        // Since 5.4 both queues are in one mapping; the engine needs a later kernel anyway.
        sq_bytes_ = params.sq_off.array + params.sq_entries * sizeof(unsigned);
        const std::size_t cq_bytes =
            params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
        sq_bytes_ = sq_bytes_ < cq_bytes ? cq_bytes : sq_bytes_;
        queues_ = map(sq_bytes_, IORING_OFF_SQ_RING);
        sqes_ = static_cast<io_uring_sqe*>(
            static_cast<void*>(map(entries * sizeof(io_uring_sqe), IORING_OFF_SQES)));
        sq_tail_ = index(params.sq_off.tail);
        sq_array_ = index(params.sq_off.array);
        sq_flags_ = index(params.sq_off.flags);
        cq_head_ = index(params.cq_off.head);
        cq_tail_ = index(params.cq_off.tail);
        cq_mask_ = *index(params.cq_off.ring_mask);
        cqes_ = static_cast<io_uring_cqe*>(static_cast<void*>(queues_ + params.cq_off.cqes));
    }

    mini_ring(const mini_ring&) = delete;
    mini_ring& operator=(const mini_ring&) = delete;
    mini_ring(mini_ring&&) = delete;
    mini_ring& operator=(mini_ring&&) = delete;

    ~mini_ring() {
        if (fd_.valid()) {
            ::munmap(queues_, sq_bytes_);
            ::munmap(sqes_, entries * sizeof(io_uring_sqe));
        }
    }

    // Why there is no ring; zero if there is one.
    [[nodiscard]] int error() const noexcept { return error_; }

    // The next entry, for the caller to complete before submit(). At most `entries` at a time.
    io_uring_sqe& add(std::uint8_t opcode, int fd, std::uint64_t user_data) noexcept {
        const unsigned tail = *sq_tail_ + added_;
        const unsigned slot = tail % entries;
        ++added_;
        sq_array_[slot] = slot;
        std::memset(&sqes_[slot], 0, sizeof sqes_[slot]);
        sqes_[slot].opcode = opcode;
        sqes_[slot].fd = fd;
        sqes_[slot].user_data = user_data;
        return sqes_[slot];
    }

    void add_poll(int fd, unsigned events, std::uint64_t user_data) noexcept {
        add(IORING_OP_POLL_ADD, fd, user_data).poll32_events = events;
    }

    // Hands over what was added, without fetching events.
    int submit() noexcept { return enter(0); }

    // The same, and lets the kernel do what it has deferred, all in one entry.
    int submit_and_fetch() noexcept { return enter(IORING_ENTER_GETEVENTS); }

    // The latter alone, without waiting. Requires that nothing was added.
    int fetch() noexcept { return enter(IORING_ENTER_GETEVENTS); }

    // Waits for one event at most that long.
    int fetch_one(__kernel_timespec limit) noexcept {
        io_uring_getevents_arg argument{};
        argument.ts = reinterpret_cast<std::uintptr_t>(&limit);
        return call(__NR_io_uring_enter, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                    &argument, sizeof argument);
    }

    // The next completion that is visible, without entering the kernel.
    std::optional<completion> peek() noexcept {
        const unsigned head = *cq_head_;
        if (head == std::atomic_ref<unsigned>{*cq_tail_}.load(std::memory_order_acquire)) {
            return std::nullopt;
        }
        const io_uring_cqe& entry = cqes_[head & cq_mask_];
        const completion found{entry.user_data, entry.res, entry.flags};
        std::atomic_ref<unsigned>{*cq_head_}.store(head + 1, std::memory_order_release);
        return found;
    }

    // The next completion; a failed test if none comes for ten seconds.
    completion wait() noexcept {
        std::optional<completion> found = peek();
        if (!found) {
            static_cast<void>(fetch_one({10, 0}));
            found = peek();
        }
        if (!found) {
            ADD_FAILURE() << "no completion came";
        }
        return found.value_or(completion{});
    }

    // The synchronous cancel by user data, without a time to wait for its effect.
    int cancel(std::uint64_t user_data) noexcept {
        io_uring_sync_cancel_reg what{};
        what.addr = user_data;
        return call(__NR_io_uring_register, IORING_REGISTER_SYNC_CANCEL, &what, 1);
    }

    int enable() noexcept {
        return call(__NR_io_uring_register, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    }

    // Whether the ring says that fetching would bring something.
    [[nodiscard]] bool says_fetch() const noexcept {
        return (std::atomic_ref<unsigned>{*sq_flags_}.load(std::memory_order_relaxed) &
                IORING_SQ_TASKRUN) != 0;
    }

    static constexpr unsigned entries = 64;

private:
    int enter(unsigned flags) noexcept {
        const unsigned count = added_;
        std::atomic_ref<unsigned>{*sq_tail_}.store(*sq_tail_ + count,
                                                   std::memory_order_release);
        added_ = 0;
        return call(__NR_io_uring_enter, count, 0, flags, nullptr, 0);
    }

    template <typename... Arguments>
    int call(long number, Arguments... arguments) const noexcept {
        const long answer = ::syscall(number, fd_.get(), arguments...);
        return answer < 0 ? -errno : static_cast<int>(answer);
    }

    std::byte* map(std::size_t bytes, std::uint64_t offset) noexcept {
        void* const at =
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(),
                   static_cast<off_t>(offset));
        EXPECT_NE(at, MAP_FAILED);
        return static_cast<std::byte*>(at);
    }

    [[nodiscard]] unsigned* index(unsigned offset) const noexcept {
        return static_cast<unsigned*>(static_cast<void*>(queues_ + offset));
    }

    base::unique_fd fd_;
    int error_ = 0;
    unsigned added_ = 0;
    std::size_t sq_bytes_ = 0;
    std::byte* queues_ = nullptr;
    io_uring_sqe* sqes_ = nullptr;
    unsigned* sq_tail_ = nullptr;
    unsigned* sq_array_ = nullptr;
    unsigned* sq_flags_ = nullptr;
    unsigned* cq_head_ = nullptr;
    unsigned* cq_tail_ = nullptr;
    unsigned cq_mask_ = 0;
    io_uring_cqe* cqes_ = nullptr;
};

// A fact about rings of the engine's kind. Skipped aloud where the kernel refuses them.
class ring_fact : public testing::Test {
protected:
    void SetUp() override {
        if (ring.error() != 0) {
            GTEST_SKIP() << "io_uring is refused here, errno " << ring.error();
        }
    }

    mini_ring ring;
};

} // namespace coring::kernel
