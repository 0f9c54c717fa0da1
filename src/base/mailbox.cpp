// Why no wake-up is lost. The owner reads the eventfd (R) and then takes the list by exchanging
// the head for null (X); a poster pushes by compare-and-swap (P) and, if P replaced null,
// writes the eventfd (W). All of X and P are acquire-release and have one order, that of the
// head.
//   - P before the next X: that X returns the letter. The owner gets there, because whoever
//     replaced null since the last X writes after that, and (next case) no R has eaten the
//     write.
//   - P replaced null and that null came from X: P acquired what X released, so the R before X
//     happened before W and cannot have cleared it. The eventfd stays readable until a later R,
//     which an X follows that takes the letter.
//   - P replaced a letter: then whoever replaced null before it owes the knock, as above.
// Taking first and reading afterwards would lose: P and W may fall between the two.
//
// Why the owner can tell when no poster touches the mailbox: between two X one P at most
// replaces null, and only if X takes something. So every batch brings exactly one knock, and
// once as many knocks as batches were read, no poster is left between its P and the end of its
// W.
//
// Why a listener may be set at any time: setting it, P, the poster's look for a listener and
// the owner's look for mail have one order. If the poster did not see the listener, P is before
// the setting, and the owner, who looks for mail after it has set one, sees the letter.
#include "base/mailbox.hpp"

#include <cerrno>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace coring::base {

namespace {

void knock_on(int fd) noexcept {
    const std::uint64_t one = 1;
    ssize_t written = 0;
    do {
        written = ::write(fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    // The counter cannot be full: one knock per batch, 2^64 - 2 fit.
    CORING_ASSERT(written == sizeof one);
}

// The number of knocks since the last call.
std::int64_t take_knocks(int fd) noexcept {
    std::uint64_t knocks = 0;
    ssize_t got = 0;
    do {
        got = ::read(fd, &knocks, sizeof knocks);
    } while (got < 0 && errno == EINTR);
    CORING_ASSERT(got == sizeof knocks || errno == EAGAIN);
    return got < 0 ? 0 : static_cast<std::int64_t>(knocks);
}

mail* reversed(mail* newest) noexcept {
    mail* oldest = nullptr;
    while (newest != nullptr) {
        mail* const older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

} // namespace

mailbox::~mailbox() {
    if (!fd_.valid()) {
        return;
    }
    static_cast<void>(collect());
    while (owed_ > 0) { // a poster is between its push and its knock: a matter of moments
        pollfd wait{fd_.get(), POLLIN, 0};
        static_cast<void>(::poll(&wait, 1, -1));
        owed_ -= take_knocks(fd_.get());
    }
}

result<void> mailbox::open() noexcept {
    CORING_ASSERT(!fd_.valid());
    fd_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd_.valid()) {
        return failure{errno};
    }
    return {};
}

bool mailbox::push(mail& letter) noexcept {
    mail* head = head_.load(std::memory_order_relaxed);
    do {
        letter.next = head;
    } while (!head_.compare_exchange_weak(head, &letter, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    // From here on the letter may be anybody's; `head` is what it replaced.
    return head == nullptr;
}

void mailbox::knock() noexcept {
    mail_listener* listener = listener_.load();
    if (listener != nullptr && listener->keep != nullptr) {
        listener->keep(*listener);
    }
    knock_on(fd_.get()); // from here on the mailbox may be gone
    if (listener != nullptr) {
        listener->knocked(*listener);
    }
}

mail* mailbox::collect() noexcept {
    owed_ -= take_knocks(fd_.get());
    mail* const newest = head_.exchange(nullptr, std::memory_order_acq_rel);
    if (newest != nullptr) {
        ++owed_;
    }
    return reversed(newest);
}

void mailbox::forget() noexcept {
    fd_.reset();
    head_.store(nullptr, std::memory_order_relaxed);
    owed_ = 0;
}

} // namespace coring::base
