// What one Lua state has of the engine: its loop, the table that anchors waiting coroutines,
// the classes of its objects. Lives in a userdata that every function of ours has as upvalue.
#pragma once

#include "base/fork_watch.hpp"
#include "loop/loop.hpp"
#include "lua/vm/task_link.hpp"
#include "lua/vm/waiter_index.hpp"

#include <array>
#include <cstdint>

#include <lua.hpp>

namespace coring::lua::vm {

// The upvalues of every function of coutil.system.
inline constexpr int scheduler_upvalue = 1;
inline constexpr int anchors_upvalue = 2; // place → the coroutine that waits, or false
inline constexpr int far_anchors_upvalue = 3;
inline constexpr int guard_upvalue = 4; // to-be-closed in the frame of each await
inline constexpr int upvalue_count = 4;

// Anchors of slots from this one on lie in the far table: tables grow by doubling, and the
// second one's growth need not double the first.
inline constexpr std::uint32_t near_anchors = 8192;

// The classes of objects, by number; a class is a metatable, recognised by identity.
enum class class_id : std::uint8_t {
    memory_fixed,
    memory_reference,
    address,
    address_list,
    datagram,
    tcp_stream,
    tcp_passive,
    local_stream,
    share_stream,
    local_passive,
    terminal,
    file,
    directory_list,
    environment,
    cpu_stats,
    interfaces,
    state_coroutine,
    channel,
    thread_pool,
    new_task,
    count_, // none: how many there are
};
inline constexpr auto class_count = static_cast<std::size_t>(class_id::count_);

enum class run_mode : std::uint8_t { loop, step, ready };

enum class run_end : std::uint8_t {
    done,
    interrupted, // a hook of the host wants to run
    refused,     // a waiter could not be resumed
    suspended,   // only other states can end what is waited for, and nothing runs meanwhile
    stranded,    // there is no engine on this thread; failure() says why
};

// Whether a run may end suspended.
enum class idling : std::uint8_t { sleep, suspend };

// How far the delivery that runs now has come. Deliveries nest: a coroutine may close an object
// that another one reads.
struct delivery_progress {
    op::operation* record = nullptr; // null once it serves the next await
    bool entered = false;
    bool taken = false;
    bool again = false;
};

class scheduler;

// Whom this thread's loop resumes at present. A function of ours that runs in this very
// coroutine has its scheduler at hand, and a continuation knows by whom it was resumed.
struct resumption {
    const lua_State* coroutine = nullptr;
    scheduler* by = nullptr;
};

// With the initial-exec model an access is one instruction, and leak detectors, which look at
// the late-made thread-local storage of workers, find none. Its two words come from what the C
// library keeps for modules that are loaded late.
[[gnu::tls_model("initial-exec")]] extern thread_local constinit resumption resumed_now;

// One per Lua state. Its memory outlives it: finalizers of a closing state may still find it,
// without a loop.
class scheduler final : public loop::deliverer {
public:
    scheduler() noexcept : loop_{*this, clock_}, waiters_{loop_.records()} {}

    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;
    scheduler(scheduler&&) = delete;
    scheduler& operator=(scheduler&&) = delete;
    ~scheduler() override = default;

    [[nodiscard]] base::result<void> open(const loop::engine_wish& wish,
                                          loop::residence where) noexcept;

    [[nodiscard]] loop::loop& on() noexcept { return loop_; }

    [[nodiscard]] waiter_index& waiters() noexcept { return waiters_; }

    // Whether this process is a fork of the one that made the scheduler.
    [[nodiscard]] bool forked() const noexcept {
        return generation_ != base::fork_generation();
    }

    // Whether the calling thread may take operations back from the engine.
    [[nodiscard]] bool belongs_here() const noexcept {
        return !forked() && (loop_.belongs_here() || loop_.count().in_kernel == 0);
    }

    [[nodiscard]] bool running() const noexcept { return running_; }

    // Turns until the mode is satisfied. Delivers from `L`, on whose stack two places are free.
    [[nodiscard]] run_end run(lua_State* L, run_mode mode, idling when_idle) noexcept;

    // The errno of a run that ended stranded.
    [[nodiscard]] int failure() const noexcept { return failure_; }

    // The task whose state this is, or null. Set before the mailbox opens.
    [[nodiscard]] task_link* task() const noexcept { return task_; }

    void serve(task_link* task) noexcept;

    // Resumes the waiter of a ready operation. Also called by close(), outside of run.
    loop::delivery deliver(op::operation& ready) noexcept override;

    // Whether a signal handler of the host set a hook since run began, or the task is to be
    // suspended.
    [[nodiscard]] bool interrupted() noexcept override;

    // As deliver(), from any state at any time; errors are warned of as of `place`.
    void deliver_from(lua_State* L,
                      op::operation& ready,
                      const char* place,
                      const char* other) noexcept;

    // A continuation begins, in the coroutine being resumed. False: it waited for something
    // else than what is being delivered, so the program resumed it.
    [[nodiscard]] bool enters(const op::operation* waiting) noexcept {
        if (current_.record != waiting || current_.entered) {
            return false;
        }
        current_.entered = true;
        return true;
    }

    // What it tells the deliverer then: it has all it needs of the record.
    void taken() noexcept { current_.taken = true; }

    // Or that it found nothing and waits again.
    void waits_again() noexcept { current_.again = true; }

    // Whether no wait of the coroutine being resumed is unfinished.
    [[nodiscard]] bool between_waits() const noexcept {
        return current_.taken && current_.record != nullptr;
    }

    // The record that was delivered to `waiter`, if its results were taken: the next await of
    // the same coroutine goes on with it, anchor and all, instead of a new one. Else null.
    [[nodiscard]] op::operation* spent(const void* waiter) const noexcept {
        return current_.taken && current_.record != nullptr && current_.record->waiter == waiter
                   ? current_.record
                   : nullptr;
    }

    // The await that uses a record has begun to wait: it is not the deliverer's any more.
    void started(const op::operation& waiting) noexcept {
        if (current_.record == &waiting) {
            current_.record = nullptr;
        }
    }

    // Whether the deliverer will reclaim this record itself.
    [[nodiscard]] bool reclaims(const op::operation& record) const noexcept {
        return current_.record == &record;
    }

    // How many anchors exist; the await machinery keeps it at the loop's capacity or above.
    [[nodiscard]] std::uint32_t anchored() const noexcept { return anchored_; }

    void add_anchor() noexcept { ++anchored_; }

    [[nodiscard]] const void* class_of(class_id which) const noexcept {
        return classes_[static_cast<std::size_t>(which)];
    }

    void set_class(class_id which, const void* metatable) noexcept {
        classes_[static_cast<std::size_t>(which)] = metatable;
    }

    // Ends the loop. True: its memory may go. False: the kernel may still write to it.
    [[nodiscard]] bool close() noexcept;

    // Writes out what is queued, when the process exits without closing the state.
    void flush_at_exit() noexcept;

private:
    [[nodiscard]] bool awaits_channels_only() noexcept;
    [[nodiscard]] run_end take_mail() noexcept;
    [[nodiscard]] run_end turns(run_mode mode) noexcept;

    // Whether the run is to end in place of sleeping.
    [[nodiscard]] bool is_idle() noexcept {
        return when_idle_ == idling::suspend && awaits_channels_only();
    }

    base::system_clock clock_;
    loop::loop loop_;
    waiter_index waiters_;
    lua_State* from_ = nullptr; // who delivers
    lua_Hook hook_ = nullptr;   // what hook that state had when run began
    const char* place_ = "system.run";
    const char* other_ = "(error object is not a string)";
    task_link* task_ = nullptr;
    int failure_ = 0;
    unsigned generation_ = 0;
    std::uint32_t anchored_ = 0;
    std::array<const void*, class_count> classes_{};
    delivery_progress current_;
    idling when_idle_ = idling::sleep; // of the present run
    bool running_ = false;
};

// The block of the userdata. `alive` is null once the state is closing and the loop has ended.
struct scheduler_block {
    scheduler* alive;
};

// Raises where belongs_here() is false: in a forked child, or when a host drives the state from
// another thread than the one whose operations are still pending.
void check_place(lua_State* L, const scheduler& on);

// The state's scheduler, from the running function's upvalue. Raises when it has ended.
[[nodiscard]] scheduler& scheduler_of_upvalue(lua_State* L);

// The same, sooner where the loop resumed the running coroutine.
[[nodiscard]] inline scheduler& scheduler_of(lua_State* L) {
    const resumption& now = resumed_now;
    return now.coroutine == L ? *now.by : scheduler_of_upvalue(L);
}

// As scheduler_of(), for what shares locks with other threads: a forked child, where one of
// those may hold them for good, is refused.
[[nodiscard]] scheduler& scheduler_unless_forked(lua_State* L);

// Raises in a forked child.
void check_not_forked(lua_State* L, const scheduler& on);

// As scheduler_of(), null when it has ended; for finalizers, which must not raise.
[[nodiscard]] scheduler* scheduler_if_any(lua_State* L) noexcept;

// Pushes the upvalues, making the scheduler of this state if there is none yet. Raises the
// system's words when the engine cannot start.
void push_upvalues(lua_State* L);

} // namespace coring::lua::vm
