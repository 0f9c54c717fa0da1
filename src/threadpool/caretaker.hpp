// The one who looks after descriptors that nobody waits for any more, but that must not be
// forgotten: children whose coroutine or state is gone still have to be reaped.
#pragma once

#include "base/unique_fd.hpp"
#include "threadpool/annotations.hpp"
#include "threadpool/worker.hpp"

namespace coring::threadpool {

// Something to be done once, when a descriptor becomes readable.
struct ward : base::list_link {
    // Called by the caretaker's thread, perhaps too early. True: it is done, and the ward and
    // its descriptor are gone.
    bool (*attend)(ward& self) noexcept = nullptr;
    int fd = -1;
};

// A thread that sleeps on the descriptors of its wards. It starts with the first, and ends when
// there is none left: whoever never abandons anything never has it. Any thread may call. After
// a fork the child must not call its parent's.
class caretaker {
public:
    // The caretaker of the process, never destroyed.
    [[nodiscard]] static caretaker& process() noexcept;

    // Takes a ward over, for good. Where no thread can be started it stays until the next one
    // comes and makes a thread start after all.
    void take(ward& added) noexcept CORING_EXCLUDES(mutex_);

private:
    using wards = base::intrusive_list<ward>;

    // Whether there is anybody to look after, and what is knocked at when somebody comes.
    struct calling {
        bool goes_on;
        int knock;
    };

    static void run(worker& self) noexcept;

    [[nodiscard]] calling collect(wards& own) noexcept CORING_EXCLUDES(mutex_);
    void start_thread() noexcept CORING_REQUIRES(mutex_);

    mutex mutex_;
    wards added_ CORING_GUARDED_BY(mutex_);
    base::unique_fd knock_ CORING_GUARDED_BY(mutex_); // an eventfd, while the thread runs
    bool running_ CORING_GUARDED_BY(mutex_) = false;
    worker thread_{run, this, "coring-care"};
};

} // namespace coring::threadpool
