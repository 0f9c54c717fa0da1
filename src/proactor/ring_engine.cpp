#include "proactor/ring_engine.hpp"

#include "base/clock.hpp"
#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <cerrno>

#include <pthread.h>

namespace coring::proactor {

namespace {

// User data with this in place of a slot names a watch; its number stands in the upper half.
constexpr std::uint32_t watch_slot = op::operation_slab::no_slot;

std::uint64_t user_data_of(std::uint32_t slot, std::uint32_t upper) noexcept {
    return (std::uint64_t{upper} << 32) | slot;
}

std::uint64_t user_data_of(const op::operation& target) noexcept {
    return user_data_of(target.slot, target.generation);
}

std::uint64_t limit_of(std::int64_t timeout_ns) noexcept {
    return timeout_ns == op::no_deadline
               ? UINT64_MAX
               : base::monotonic_ns() + static_cast<std::uint64_t>(timeout_ns);
}

// A name of the thread. (Thread-local storage of a module that is loaded late would do as well,
// but for leak detectors, which search that of workers and find what is not there.)
const void* this_thread() noexcept {
    static_assert(sizeof(pthread_t) == sizeof(void*));
    // NOLINTNEXTLINE(performance-no-int-to-ptr): only compared
    return reinterpret_cast<const void*>(::pthread_self());
}

// What waits for a descriptor, or sends, goes on from where it was. Work on a file that was
// begun is better done than done twice.
bool is_cut_short(const op::operation& in_kernel) noexcept {
    return in_kernel.type->side != op::direction::none;
}

} // namespace

base::result<void> ring_engine::open(unsigned entries) noexcept {
    thread_ = this_thread();
    entries_ = entries;
    return ring_.open(entries);
}

void ring_engine::attach(op::operation_slab& operations) noexcept {
    CORING_ASSERT(belongs_here() && operations_ == nullptr && in_kernel_ == 0);
    operations_ = &operations;
}

bool ring_engine::belongs_here() const noexcept {
    return thread_ == this_thread();
}

void ring_engine::submit(op::operation_list& queued) noexcept {
    while (!queued.empty()) {
        io_uring_sqe* entry = ring_.next_entry();
        if (entry == nullptr) {
            return; // a full queue is the same list staying longer
        }
        op::operation& next = queued.head();
        next.unlink();
        if (const op::operation* after = queued.peek(); after != nullptr) {
            __builtin_prefetch(after->next);
            __builtin_prefetch(after->target);
            __builtin_prefetch(after->data);
        }
        submission filled{*entry};
        next.type->prepare(next, filled);
        filled.set_user_data(user_data_of(next));
        next.submit();
        ++in_kernel_;
        uncut_ += is_cut_short(next) ? 0U : 1U;
    }
    if (unarmed_watches_ > 0) { // last: one that fires at once must not keep the others out
        arm_watches();
    }
}

void ring_engine::arm_watches() noexcept {
    for (unsigned index = 0; index < watch_count; ++index) {
        watch_place& place = watches_[index];
        if (place.fd < 0 || place.armed) {
            continue;
        }
        io_uring_sqe* entry = ring_.next_entry();
        if (entry == nullptr) {
            return;
        }
        submission filled{*entry};
        filled.poll(place.fd, POLLIN);
        filled.set_user_data(user_data_of(watch_slot, index));
        place.armed = true;
        ++armed_watches_;
        --unarmed_watches_;
        ++in_kernel_;
    }
}

op::entry ring_engine::enter_kernel(bool sleep, std::int64_t timeout_ns) noexcept {
    const bool submits = ring_.unsubmitted() > 0;
    if (!sleep && !submits && !ring_.must_enter()) {
        return op::entry::done;
    }
    const std::uint64_t limit = sleep && submits ? limit_of(timeout_ns) : 0;
    // EBUSY and EAGAIN leave entries unsubmitted: they go with the next entry.
    const int entered = ring_.enter(sleep ? 1 : 0, timeout_ns);
    // An entry that submitted is answered with how much, whatever ended its sleep.
    const bool early =
        entered == 0 && limit > 0 && !ring_.has_completions() && base::monotonic_ns() < limit;
    return entered == -EINTR || early ? op::entry::interrupted : op::entry::done;
}

op::entry ring_engine::enter(op::operation_list& queued,
                             op::completion_sink& sink,
                             std::int64_t timeout_ns) noexcept {
    op::entry ended = op::entry::done;
    bool fruitless = true; // nothing completed in this call yet
    for (;;) {
        submit(queued);
        const bool more = !queued.empty() || unarmed_watches_ > 0;
        const bool sleep = timeout_ns > 0 && !more && fruitless && !ring_.has_completions();
        if (enter_kernel(sleep, timeout_ns) == op::entry::interrupted) {
            ended = op::entry::interrupted;
        }
        const bool came = drain(sink);
        fruitless = fruitless && !came;
        // Round again only for a full submission queue, and only while that makes progress. A
        // watch that is only to be armed again waits for the next call: it would fire at once.
        const bool progress = came ? !queued.empty() : ring_.unsubmitted() == 0;
        if (!more || !progress) {
            return ended;
        }
    }
}

const op::operation* ring_engine::coming(unsigned skipped) const noexcept {
    std::uint64_t user_data = 0;
    if (!ring_.peek(skipped, user_data)) {
        return nullptr;
    }
    const auto slot = static_cast<std::uint32_t>(user_data);
    return slot < operations_->capacity() ? &(*operations_)[slot] : nullptr; // or a watch
}

// With a thousand connections, what a completion is about has left the caches. Asking for the
// record of one that comes soon, and for the object of the next one's, hides the wait.
void ring_engine::fetch_ahead() const noexcept {
    constexpr unsigned soon = 3;
    if (const op::operation* later = coming(soon); later != nullptr) {
        __builtin_prefetch(later);
    }
    if (const op::operation* next = coming(0); next != nullptr) {
        __builtin_prefetch(next->target);
        __builtin_prefetch(next->data);
    }
}

bool ring_engine::drain(op::completion_sink& sink) noexcept {
    io_uring_cqe completion{};
    bool came = false;
    while (ring_.take(completion)) {
        came = true;
        fetch_ahead();
        CORING_ASSERT(in_kernel_ > 0);
        --in_kernel_;
        const auto slot = static_cast<std::uint32_t>(completion.user_data);
        const auto upper = static_cast<std::uint32_t>(completion.user_data >> 32);
        if (slot == watch_slot) {
            take_watch(upper, sink);
            continue;
        }
        op::operation* done = operations_->find(slot, upper);
        CORING_ASSERT(done != nullptr && done->in_kernel());
        uncut_ -= is_cut_short(*done) ? 0U : 1U;
        sink.completed(*done, completion.res);
    }
    return came;
}

void ring_engine::take_watch(unsigned index, op::completion_sink& sink) noexcept {
    CORING_ASSERT(index < watch_count && watches_[index].armed);
    watches_[index].armed = false;
    --armed_watches_;
    if (!closing_) {
        ++unarmed_watches_;
        sink.watched(index);
    }
}

void ring_engine::withdraw(op::operation& target, op::completion_sink& sink) noexcept {
    CORING_ASSERT(belongs_here());
    const std::uint32_t generation = target.generation;
    const auto present = [&] { return target.generation == generation && target.in_kernel(); };
    ring_.cancel(user_data_of(target));
    static_cast<void>(drain(sink));
    // Deferred work that had already begun, or an overflown queue, shows after an entry.
    for (int tries = 0; present() && tries < 1000; ++tries) {
        static_cast<void>(ring_.enter(tries < 10 ? 0 : 1, 1'000'000));
        static_cast<void>(drain(sink));
        if (present()) {
            ring_.cancel(user_data_of(target));
            static_cast<void>(drain(sink));
        }
    }
    CORING_ASSERT(!present());
}

void ring_engine::forget(op::descriptor&) noexcept {}

void ring_engine::moved(op::descriptor&) noexcept {}

int ring_engine::watch(int fd, unsigned watch) noexcept {
    CORING_ASSERT(watch < watch_count && watches_[watch].fd < 0);
    watches_[watch].fd = fd;
    ++unarmed_watches_;
    return 0;
}

void ring_engine::forget_watches() noexcept {
    for (watch_place& place : watches_) {
        place.fd = -1;
    }
    unarmed_watches_ = 0;
}

// Asks the kernel for all that can be cut short: at once, or one by one if there is something
// that must not.
void ring_engine::cut_short() noexcept {
    if (uncut_ == 0) {
        ring_.cancel_any();
        return;
    }
    for (unsigned index = 0; index < watch_count; ++index) {
        if (watches_[index].armed) {
            ring_.cancel(user_data_of(watch_slot, index));
        }
    }
    for (std::uint32_t slot = 0; slot < operations_->capacity(); ++slot) {
        const op::operation& each = (*operations_)[slot];
        if (each.in_kernel() && is_cut_short(each)) {
            ring_.cancel(user_data_of(each));
        }
    }
}

// What was cut short shows after some entries. Entries that the kernel had not taken yet are
// taken by the first, and cut short in the next round.
void ring_engine::detach(op::completion_sink& sink) noexcept {
    CORING_ASSERT(belongs_here());
    closing_ = true;
    for (unsigned tries = 0; in_kernel_ > 0; ++tries) {
        if (in_kernel_ > uncut_) {
            cut_short();
            static_cast<void>(ring_.enter(tries < 10 ? 0 : 1, base::ns_per_ms));
        } else {
            static_cast<void>(ring_.enter(1, op::no_deadline));
        }
        static_cast<void>(drain(sink));
    }
    forget_watches();
    closing_ = false;
    operations_ = nullptr;
}

bool ring_engine::withdraw_all(op::completion_sink& sink) noexcept {
    closing_ = true;
    forget_watches();
    for (int tries = 0; in_kernel_ > 0 && tries < 1000; ++tries) {
        ring_.cancel_any();
        static_cast<void>(ring_.enter(tries < 10 ? 0 : 1, 1'000'000));
        static_cast<void>(drain(sink));
    }
    if (in_kernel_ > 0) {
        ring_.leak();
        return false;
    }
    return true;
}

} // namespace coring::proactor
