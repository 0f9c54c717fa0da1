// How another thread hands something to a loop: it posts, and knocks on an eventfd that the
// loop sleeps on.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <atomic>
#include <cstdint>

namespace coring::base {

// What can be posted. It belongs to the mailbox from post() until collect() returned it, and
// may be in one mailbox at a time.
struct mail {
    using opener = void (*)(mail& opened, void* recipient) noexcept;

    mail* next = nullptr;
    opener open = nullptr; // what the recipient calls; recipients that know what came need none
};

// Told of posts like the eventfd, for owners that do not sleep on that. Both are called by the
// thread that posted, when its mail has replaced none: the first before the eventfd tells of
// it, while the mailbox stays, to keep what the second needs, and may be null; the second comes
// after, and may end all.
struct mail_listener {
    void (*keep)(mail_listener& self) noexcept = nullptr;
    void (*knocked)(mail_listener& self) noexcept = nullptr;
};

// Many threads post, one owner collects. post() is lock-free, never fails and never blocks.
// Requires that open() succeeded before the first post. The owner alone calls open(),
// collect(), forget() and the destructor; before the latter two it makes sure that no post can
// begin any more. A post that has begun may still be about to knock: the destructor waits for
// that knock.
class mailbox {
public:
    mailbox() noexcept = default;
    mailbox(const mailbox&) = delete;
    mailbox& operator=(const mailbox&) = delete;
    mailbox(mailbox&&) = delete;
    mailbox& operator=(mailbox&&) = delete;

    // Drops what nobody collected; whoever made it still owns its memory.
    ~mailbox();

    // Fails as eventfd(2) does. Requires that it is not open.
    [[nodiscard]] result<void> open() noexcept;

    // Becomes readable after a post to an empty mailbox; stays so until collect(). -1 if not
    // open.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    // Whether collect() would return nothing now. A post may follow at any time, and knocks
    // then.
    [[nodiscard]] bool empty() const noexcept {
        return head_.load(std::memory_order_relaxed) == nullptr;
    }

    // Any thread. Ensures that the owner finds the mail in a collect() that the knock, or an
    // earlier one that it has not answered yet, tells it to do.
    void post(mail& letter) noexcept {
        if (push(letter)) {
            knock();
        }
    }

    // The two halves of post(), for whoever may push where it may not call the system. Who gets
    // true owes a knock: until it came, the owner waits for it before the mailbox ends.
    [[nodiscard]] bool push(mail& letter) noexcept;
    void knock() noexcept;

    // Has the listener told too, from now on; null: nobody. The owner alone calls it. Of mail
    // that is pushed meanwhile, either the listener is told or empty_now() knows.
    void listen(mail_listener* listener) noexcept { listener_.store(listener); }

    // As empty(), in one order with all pushes and with listen().
    [[nodiscard]] bool empty_now() const noexcept { return head_.load() == nullptr; }

    // Everything posted so far, linked by `next` in the order of posting, or null: a knock may
    // come for mail that an earlier collect() took already. Silences the knock.
    [[nodiscard]] mail* collect() noexcept;

    // For the child after a fork, which shares the eventfd with its parent: closes without
    // reading, so that no knock of the parent's is swallowed, and drops the mail.
    void forget() noexcept;

private:
    // The latest letter; each is linked to the one posted before it. Null is the latch: who
    // replaces null knocks, anybody else relies on a knock that is there or on its way.
    std::atomic<mail*> head_{nullptr};
    std::atomic<mail_listener*> listener_{nullptr};
    unique_fd fd_;
    std::int64_t owed_ = 0; // batches collected less knocks read; the owner's
};

} // namespace coring::base
