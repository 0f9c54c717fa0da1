#include "proactor/ring.hpp"

#include "op/engine.hpp"
#include "proactor/probe.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <linux/time_types.h>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace coring::proactor {

namespace {

// The kernel reads and writes these words too; the standard's atomics over plain memory say so.
unsigned load_acquire(unsigned* word) noexcept {
    return std::atomic_ref<unsigned>{*word}.load(std::memory_order_acquire);
}

unsigned load_relaxed(unsigned* word) noexcept {
    return std::atomic_ref<unsigned>{*word}.load(std::memory_order_relaxed);
}

void store_release(unsigned* word, unsigned value) noexcept {
    std::atomic_ref<unsigned>{*word}.store(value, std::memory_order_release);
}

template <typename Word>
Word* at_offset(void* base, std::uint32_t offset) noexcept {
    return reinterpret_cast<Word*>(static_cast<char*>(base) + offset);
}

int setup(unsigned entries, io_uring_params& params) noexcept {
    const long fd = ::syscall(SYS_io_uring_setup, entries, &params);
    return fd < 0 ? -errno : static_cast<int>(fd);
}

} // namespace

ring::~ring() {
    if (entries_ != nullptr) {
        ::munmap(entries_, entries_size_);
    }
    if (queues_ != nullptr) {
        ::munmap(queues_, queues_size_);
    }
}

base::result<void> ring::open(unsigned entries) noexcept {
    io_uring_params params{};
    // R_DISABLED lets us restrict the ring before its first use; the thread that enables it
    // becomes its only issuer. SUBMIT_ALL: one bad entry must not hold up the rest.
    params.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                   IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED;
    params.cq_entries = entries * 4;
    const int fd = setup(entries, params);
    if (fd < 0) {
        return base::failure{-fd};
    }
    fd_.reset(fd); // the kernel made it close-on-exec
    if (auto checked = probe(fd, params); !checked) {
        return checked;
    }
    if (auto mapped = map(params); !mapped) {
        return mapped;
    }
    return enable(fd);
}

base::result<void> ring::map(const io_uring_params& params) noexcept {
    const std::size_t sq_size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    const std::size_t cq_size = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
    queues_size_ = sq_size > cq_size ? sq_size : cq_size;
    entries_size_ = params.sq_entries * sizeof(io_uring_sqe);
    constexpr int protection = PROT_READ | PROT_WRITE;
    constexpr int sharing = MAP_SHARED | MAP_POPULATE;
    void* queues =
        ::mmap(nullptr, queues_size_, protection, sharing, fd_.get(), IORING_OFF_SQ_RING);
    if (queues == MAP_FAILED) {
        return base::failure{errno};
    }
    queues_ = queues;
    void* entries =
        ::mmap(nullptr, entries_size_, protection, sharing, fd_.get(), IORING_OFF_SQES);
    if (entries == MAP_FAILED) {
        return base::failure{errno};
    }
    entries_ = static_cast<io_uring_sqe*>(entries);
    // Two processes driving one ring corrupt it; a child must not even see it.
    ::madvise(queues_, queues_size_, MADV_DONTFORK);
    ::madvise(entries, entries_size_, MADV_DONTFORK);
    sq_head_ = at_offset<unsigned>(queues, params.sq_off.head);
    sq_tail_ = at_offset<unsigned>(queues, params.sq_off.tail);
    sq_flags_ = at_offset<unsigned>(queues, params.sq_off.flags);
    sq_mask_ = *at_offset<unsigned>(queues, params.sq_off.ring_mask);
    sq_entries_ = params.sq_entries;
    cq_head_ = at_offset<unsigned>(queues, params.cq_off.head);
    cq_tail_ = at_offset<unsigned>(queues, params.cq_off.tail);
    cq_mask_ = *at_offset<unsigned>(queues, params.cq_off.ring_mask);
    completions_ = at_offset<io_uring_cqe>(queues, params.cq_off.cqes);
    // Entry n of the queue always names submission n: the indirection is of no use to us.
    auto* array = at_offset<unsigned>(queues, params.sq_off.array);
    for (unsigned at = 0; at < params.sq_entries; ++at) {
        array[at] = at;
    }
    local_tail_ = *sq_tail_;
    return {};
}

io_uring_sqe* ring::next_entry() noexcept {
    if (local_tail_ - load_acquire(sq_head_) >= sq_entries_) {
        return nullptr;
    }
    io_uring_sqe* entry = &entries_[local_tail_ & sq_mask_];
    ++local_tail_;
    std::memset(entry, 0, sizeof *entry);
    return entry;
}

unsigned ring::unsubmitted() const noexcept {
    return local_tail_ - load_acquire(sq_head_);
}

bool ring::has_completions() const noexcept {
    return load_relaxed(cq_head_) != load_acquire(cq_tail_);
}

bool ring::must_enter() const noexcept {
    constexpr unsigned held_back = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    return (load_relaxed(sq_flags_) & held_back) != 0;
}

int ring::enter(unsigned wanted, std::int64_t timeout_ns) noexcept {
    store_release(sq_tail_, local_tail_);
    unsigned flags = IORING_ENTER_GETEVENTS;
    __kernel_timespec timeout{};
    io_uring_getevents_arg argument{};
    const void* extra = nullptr;
    std::size_t extra_size = 0;
    if (wanted > 0 && timeout_ns != op::no_deadline) {
        timeout.tv_sec = timeout_ns / 1'000'000'000;
        timeout.tv_nsec = timeout_ns % 1'000'000'000;
        argument.ts = reinterpret_cast<std::uintptr_t>(&timeout);
        flags |= IORING_ENTER_EXT_ARG;
        extra = &argument;
        extra_size = sizeof argument;
    }
    const long entered = ::syscall(SYS_io_uring_enter, fd_.get(), unsubmitted(), wanted, flags,
                                   extra, extra_size);
    return entered < 0 ? -errno : 0;
}

bool ring::take(io_uring_cqe& completion) noexcept {
    const unsigned head = load_relaxed(cq_head_);
    if (head == load_acquire(cq_tail_)) {
        return false;
    }
    const io_uring_cqe& entry = completions_[head & cq_mask_];
    completion.user_data = entry.user_data;
    completion.res = entry.res;
    completion.flags = entry.flags;
    store_release(cq_head_, head + 1);
    return true;
}

bool ring::peek(unsigned skipped, std::uint64_t& user_data) const noexcept {
    const unsigned place = load_relaxed(cq_head_) + skipped;
    if (static_cast<int>(load_acquire(cq_tail_) - place) <= 0) {
        return false;
    }
    user_data = completions_[place & cq_mask_].user_data;
    return true;
}

int ring::sync_cancel(std::uint64_t user_data, std::uint32_t flags) noexcept {
    io_uring_sync_cancel_reg request{};
    request.addr = user_data;
    request.fd = -1;
    request.flags = flags;
    request.timeout.tv_sec = 0;
    request.timeout.tv_nsec = 0;
    const long answer = ::syscall(SYS_io_uring_register, fd_.get(),
                                  unsigned{IORING_REGISTER_SYNC_CANCEL}, &request, 1U);
    return answer < 0 ? -errno : static_cast<int>(answer);
}

int ring::cancel(std::uint64_t user_data) noexcept {
    return sync_cancel(user_data, 0);
}

int ring::cancel_any() noexcept {
    return sync_cancel(0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
}

void ring::leak() noexcept {
    static_cast<void>(fd_.release());
    entries_ = nullptr;
    queues_ = nullptr;
}

} // namespace coring::proactor
