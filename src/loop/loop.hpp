// One thread's meeting point of everything that completes operations: the engine, the timers,
// the zero suspensions, the mailbox of other threads. What runs them in order is turn().
#pragma once

#include "base/block_pool.hpp"
#include "base/clock.hpp"
#include "base/mailbox.hpp"
#include "base/result.hpp"
#include "loop/engine_choice.hpp"
#include "loop/timer_queue.hpp"
#include "op/engine.hpp"
#include "op/operation.hpp"
#include "op/operation_type.hpp"
#include "reactor/poller.hpp"

#include <cstdint>
#include <memory>

namespace coring::loop {

class loop;

// What became of a delivery.
enum class delivery : std::uint8_t {
    resumed, // the waiter went on
    again,   // it found nothing and waits on; nobody could see that
    dropped, // there was no waiter any more
    refused, // it could not be resumed now; it still waits
};

// Resumes waiters. Whoever knows what a waiter is implements this.
class deliverer {
public:
    deliverer() noexcept = default;
    deliverer(const deliverer&) = delete;
    deliverer& operator=(const deliverer&) = delete;
    deliverer(deliverer&&) = delete;
    deliverer& operator=(deliverer&&) = delete;
    virtual ~deliverer() = default;

    // Requires the state ready. Ensures that a resumed or dropped operation is concluded.
    virtual delivery deliver(op::operation& ready) noexcept = 0;

    // Asked before the loop sleeps: whether something came up that the run should end for.
    [[nodiscard]] virtual bool interrupted() noexcept { return false; }
};

// Something that lives on the loop without an owner, until it is dismissed or the loop closes.
struct companion : base::list_link {
    // Ends it, outside any call of the engine; may free it.
    void (*dismissed)(companion&) noexcept = nullptr;
};

// A descriptor that is not an operation's: signals, children. Told in the turn that it is
// readable, before anything that is ready is delivered; from there it completes operations.
struct source {
    void (*readable)(source& self) noexcept = nullptr;
};

enum class waiting : std::uint8_t { allowed, forbidden };
enum class late_timers : std::uint8_t { next_turn, this_turn };

struct turn_report {
    std::uint32_t resumed = 0;
    bool interrupted = false; // a signal handler ran, or the deliverer wants the run to end
    bool refused = false;     // a waiter could not be resumed; the turn ended early
};

struct counters {
    std::uint32_t awaiting;  // operations with a coroutine
    std::uint32_t going_on;  // operations whose coroutine left, still to finish
    std::uint32_t in_kernel; // operations the engine holds
    std::uint32_t records;   // records in use: awaiting + going_on, when nothing is wrong
};

// Not thread-safe but for post(). Does not move.
class loop final : op::completion_sink {
public:
    loop(deliverer& to, base::clock_source& clock) noexcept;
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;
    loop(loop&&) = delete;
    loop& operator=(loop&&) = delete;
    ~loop() override;

    // Chooses and opens the engine. Required before anything else.
    [[nodiscard]] base::result<void> open(const engine_wish& wish,
                                          residence where = residence::settled) noexcept;

    // "uring" or "epoll", and for the latter why.
    [[nodiscard]] const char* engine_name() const noexcept { return engine_->name(); }

    // Whether a queued operation may be more than a wait for a descriptor: the ring's own
    // verbs.
    [[nodiscard]] bool takes_entries() const noexcept { return engine_->takes_entries(); }

    // Zero when the engine was asked for, else the errno for which there is no ring.
    [[nodiscard]] int refusal() const noexcept { return refusal_; }

    // The engine belongs to one thread; a host that moved the loop gets a new engine if the old
    // one is idle. False: it is not, and the loop cannot run here.
    [[nodiscard]] bool adopt_thread() noexcept;

    [[nodiscard]] bool belongs_here() const noexcept {
        return engine_ != nullptr && engine_->belongs_here();
    }

    // Before the turns of a run, on the thread that has them: zero, or the errno for which
    // there is no engine here. park() comes after them. Between runs nothing of a wandering
    // loop is in the kernel; those of its operations that were there are queued again.
    [[nodiscard]] int arrive() noexcept { return engine_->arrive(); }

    void park() noexcept;

    // --- operations -------------------------------------------------------------------------

    // Whether the next acquire() may have to allocate; then the caller may prepare for it. One
    // record more is asked for, for whoever comes between the preparation and the acquisition.
    [[nodiscard]] bool must_grow() const noexcept { return !operations_.has_free(2); }

    [[nodiscard]] std::uint32_t capacity() const noexcept { return operations_.capacity(); }

    [[nodiscard]] bool grow() noexcept { return operations_.grow(); }

    // All records, whoever holds them.
    [[nodiscard]] op::operation_slab& records() noexcept { return operations_; }

    // A record for one await, idle. Null when memory is short.
    [[nodiscard]] op::operation* acquire(const op::operation_type& type, void* waiter) noexcept;

    // A delivered record, for the next await of the same waiter. Requires the state delivering
    // and that its object was let go. It ends idle, under a new name.
    void reuse(op::operation& delivered, const op::operation_type& type) noexcept;

    // Arms and queues it for the next kernel entry.
    void queue(op::operation& idle) noexcept;

    // Arms it without queueing: its object queues it later, with queue_armed().
    void queue_armed(op::operation& armed) noexcept;

    // It is queued and its result is known: delivers it in its phase, or in the one given.
    void settle(op::operation& queued, int result) noexcept {
        settle(queued, result, queued.type->delivered_in);
    }

    void settle(op::operation& queued, int result, op::phase when) noexcept;

    // As settle(), for an operation that was behind the one whose end is being reported: it is
    // delivered after that. Requires a verb's finish() on the stack.
    void settle_behind(op::operation& queued, int result) noexcept {
        queued.result = result;
        behind_.push_back(queued);
    }

    // A result known at once for an operation that may be served again in this very turn.
    // False when no such delivery is going on.
    [[nodiscard]] bool settle_in_this_turn(op::operation& queued) noexcept;

    // Room for one more timer. False when memory is short.
    [[nodiscard]] bool reserve_timer() noexcept { return timers_.reserve(); }

    // Arms it as a timer. Requires reserve_timer().
    void start_timer(op::operation& idle, std::uint64_t deadline_ns) noexcept;

    // A queued operation waits for a moment in place of the kernel. Requires reserve_timer().
    void delay(op::operation& queued, std::uint64_t deadline_ns) noexcept;

    // Arms it as a zero suspension.
    void start_zero(op::operation& idle) noexcept;

    // The waiter leaves. What happens to the operation is its type's on_leave.
    void leave(op::operation& waiting) noexcept;

    // The wait ends and leaves nothing behind. Requires that it is queued, in flight or ready.
    void drop(op::operation& waiting) noexcept;

    // Takes a queued, in-flight or ready operation out of wherever it is; it ends ready, on no
    // list, with `result`, for the caller to deliver.
    void pull(op::operation& waiting, int result) noexcept;

    // Takes an operation out of the kernel, if it is there. Ensures that nothing is lent.
    void withdraw(op::operation& target) noexcept;

    // Moves a ready operation to the results of closed objects.
    void cancel_ready(op::operation& ready) noexcept;

    // Gives back what the verb owns and lets go of the object, while the record is still in
    // use.
    void detach_from_object(op::operation& done) noexcept {
        if (done.type->release != nullptr) {
            done.type->release(done);
        }
    }

    // Ends the tenancy of a record in state delivering or idle.
    void conclude(op::operation& done) noexcept;

    // Ends a detached operation that has nothing more to do.
    void end_detached(op::operation& done) noexcept;

    // --- descriptors ------------------------------------------------------------------------

    void forget(op::descriptor& closing) noexcept { engine_->forget(closing); }

    void moved(op::descriptor& place) noexcept { engine_->moved(place); }

    // Watches a descriptor that is not the ring's, until it is unwatched; told again while it
    // stays readable. A source may unwatch itself and others when it is told.
    [[nodiscard]] base::result<void> watch(int fd, source& of) noexcept;

    // As watch(), but told once for each event, whether it is still readable or not.
    [[nodiscard]] base::result<void> watch_edges(int fd, source& of) noexcept;
    void unwatch(int fd) noexcept;

    // Opens what watching needs: after that watch() fails only for want of memory.
    [[nodiscard]] base::result<void> prepare_to_watch() noexcept { return open_side_poller(); }

    // The answer to an operation in flight that a worker or another thread ran.
    void complete(op::operation& done, int answer) noexcept { completed(done, answer); }

    // --- what lives on the loop
    // ---------------------------------------------------------------

    // Memory for data on its way to the kernel.
    [[nodiscard]] base::block_pool& blocks() noexcept { return blocks_; }

    void adopt(companion& homeless) noexcept { companions_.push_back(homeless); }

    // Ends a companion before the next turn begins.
    void dismiss(companion& done) noexcept {
        done.unlink();
        dismissed_.push_back(done);
    }

    // What the loop's waits for signals share: a companion, null until the first of them.
    [[nodiscard]] companion*& signals() noexcept { return signals_; }

    // The same for waits on channels.
    [[nodiscard]] companion*& channels() noexcept { return channels_; }

    // --- time -------------------------------------------------------------------------------

    // The cached time, in nanoseconds of the monotonic clock.
    [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_; }

    void update_time() noexcept { now_ = clock_.now_ns(); }

    // --- turns ------------------------------------------------------------------------------

    // One turn, in the order of docs/architecture.md. The only place where the engine sleeps.
    turn_report turn(waiting wait, late_timers late) noexcept;

    // A turn that leaves the engine out and looks for mail. Needs no arrive().
    turn_report turn_of_mail() noexcept;

    [[nodiscard]] bool in_turn() const noexcept { return in_turn_; }

    // Whether this turn serves so few that sending on the spot beats batching.
    [[nodiscard]] bool quiet() const noexcept { return served_ <= quiet_limit; }

    // Ends the turns of the present run early: no more sleeping.
    void halt() noexcept { halted_ = true; }

    // Whether a run has something to wait for.
    [[nodiscard]] bool alive() const noexcept { return awaiting_ + going_on_ > 0; }

    [[nodiscard]] bool halted() const noexcept { return halted_; }

    void begin_run() noexcept { halted_ = false; }

    // --- other threads ----------------------------------------------------------------------

    // Opens the mailbox if need be. Required before another thread posts. Mail is opened in the
    // loop's turn, with the loop as recipient.
    [[nodiscard]] base::result<void> open_mailbox() noexcept;

    [[nodiscard]] base::mailbox& mailbox() noexcept { return mailbox_; }

    // Hands over what is queued, without delivering anything: the process is about to exit.
    void flush() noexcept;

    // --- the end ----------------------------------------------------------------------------

    // Takes everything back from the engine. Nothing is delivered any more. False if the kernel
    // kept something: then the memory lent to it must stay.
    [[nodiscard]] bool close() noexcept;

    // Whether close() has begun: nothing may be started any more.
    [[nodiscard]] bool closing() const noexcept { return closing_; }

    [[nodiscard]] counters count() const noexcept;

    // Calls `visit` with each record in use.
    template <typename Visitor>
    void for_each_operation(Visitor visit) noexcept {
        for (std::uint32_t slot = 0; slot < operations_.capacity(); ++slot) {
            if (op::operation& record = operations_[slot]; record.at != op::state::idle) {
                visit(record);
            }
        }
    }

private:
    static constexpr std::uint32_t quiet_limit = 2;

    void completed(op::operation& done, int answer) noexcept override;
    void report(op::operation& done, int answer) noexcept;
    void watched(unsigned watch) noexcept override;
    void list_ready(op::operation& ready, op::phase when) noexcept;
    [[nodiscard]] bool deliver_one(op::operation& ready, turn_report& report) noexcept;

    void begin_turn() noexcept;
    void end_turn() noexcept;

    [[nodiscard]] bool deliver_any(op::operation_list& list, turn_report& report) noexcept {
        return list.empty() || deliver_list(list, report);
    }

    [[nodiscard]] bool deliver_list(op::operation_list& list, turn_report& report) noexcept;
    [[nodiscard]] bool deliver_zero(turn_report& report) noexcept;
    [[nodiscard]] bool expire(turn_report& report) noexcept;
    [[nodiscard]] bool before_sleep(turn_report& report) noexcept;
    [[nodiscard]] bool enough_to_do() noexcept;
    void after_sleep(turn_report& report, late_timers late) noexcept;
    [[nodiscard]] std::int64_t sleep_limit(waiting wait) noexcept;
    [[nodiscard]] base::result<void> open_side_poller() noexcept;
    void tell_sources() noexcept;
    void open_letters() noexcept;
    void end_dismissed() noexcept;

    deliverer& deliverer_;
    base::clock_source& clock_;
    op::operation_slab operations_;
    std::unique_ptr<op::engine> engine_;
    int refusal_ = 0;
    engine_wish wish_{};
    timer_queue timers_;
    op::operation_list queued_;
    op::operation_list zero_;
    op::operation_list transfers_;
    op::operation_list events_;
    op::operation_list canceled_;
    op::operation_list behind_; // settled by the completion that is being reported
    base::intrusive_list<companion> companions_;
    base::intrusive_list<companion> dismissed_;
    companion* signals_ = nullptr;
    companion* channels_ = nullptr;
    base::block_pool blocks_;
    op::operation_list* current_ = nullptr; // the events that are being delivered
    void* zero_resumed_ = nullptr;          // who the zero phase is resuming
    base::mailbox mailbox_;
    bool mailbox_open_ = false;
    bool mail_came_ = false;
    reactor::poller side_poller_;
    bool side_poller_open_ = false;
    bool side_poller_ready_ = false;
    std::uint64_t now_ = 0;
    std::uint32_t awaiting_ = 0;
    std::uint32_t going_on_ = 0;
    std::uint32_t served_ = 0;
    std::uint32_t turn_began_ = 0; // the order of the first timer that this turn may start
    std::uint8_t unasked_ = 0;     // turns in a row without the engine
    bool in_turn_ = false;
    bool halted_ = false;
    bool closing_ = false;
    bool parking_ = false;
};

} // namespace coring::loop
