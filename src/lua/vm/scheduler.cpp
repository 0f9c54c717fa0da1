#include "lua/vm/scheduler.hpp"

#include "base/fork_watch.hpp"
#include "io/await_channel.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"

#include <utility>

namespace coring::lua::vm {

[[gnu::tls_model("initial-exec")]] thread_local constinit resumption resumed_now;

base::result<void> scheduler::open(const loop::engine_wish& wish,
                                   loop::residence where) noexcept {
    base::watch_forks();
    generation_ = base::fork_generation();
    return loop_.open(wish, where);
}

loop::delivery scheduler::deliver(op::operation& ready) noexcept {
    auto* coroutine = static_cast<lua_State*>(ready.waiter);
    if (drop_if_closed(from_, *this, ready)) {
        return loop::delivery::dropped;
    }
    ready.begin_delivery();
    const delivery_progress outer = std::exchange(current_, delivery_progress{&ready});
    resumption& now = resumed_now;
    const resumption outer_resumption = std::exchange(now, resumption{coroutine, this});
    int results = 0;
    const int status = lua_resume(coroutine, from_, 0, &results);
    now = outer_resumption;
    const delivery_progress mine = std::exchange(current_, outer);
    if (!mine.entered) {
        lua_pop(coroutine, 1); // why it was not resumed: there was no C stack
        ready.postpone();
        return loop::delivery::refused;
    }
    if (status != LUA_YIELD && status != LUA_OK) {
        warn_of_error(from_, coroutine, place_, other_);
    } else if (results > 0) {
        lua_pop(coroutine, results);
    }
    if (mine.again) {
        return loop::delivery::again;
    }
    if (mine.record != nullptr) {
        // Until here its anchor kept the coroutine, to which nothing else may refer while it
        // resumes others.
        conclude(from_, *this, ready);
    }
    return loop::delivery::resumed;
}

void scheduler::deliver_from(lua_State* L,
                             op::operation& ready,
                             const char* place,
                             const char* other) noexcept {
    lua_State* from = std::exchange(from_, L);
    const char* old_place = std::exchange(place_, place);
    const char* old_other = std::exchange(other_, other);
    if (deliver(ready) == loop::delivery::refused) {
        loop_.cancel_ready(ready); // heard of in the next turn instead
    }
    from_ = from;
    place_ = old_place;
    other_ = old_other;
}

bool scheduler::interrupted() noexcept {
    return lua_gethook(from_) != hook_ || is_idle();
}

void scheduler::serve(task_link* task) noexcept {
    task_ = task;
    if (task != nullptr) {
        loop_.mailbox().listen(task->listener);
    }
}

// Then no engine and no timer has anything to tell: only mail ends a wait.
bool scheduler::awaits_channels_only() noexcept {
    const loop::counters now = loop_.count();
    return now.going_on == 0 && now.awaiting > 0 && now.awaiting == io::channel_waits(loop_);
}

// For a task that may have been woken for its mail: as long as there is nothing else, the
// engine is not needed.
run_end scheduler::take_mail() noexcept {
    while (awaits_channels_only() && !loop_.halted()) {
        if (loop_.mailbox().empty_now()) {
            return run_end::suspended;
        }
        const loop::turn_report report = loop_.turn_of_mail();
        if (report.refused) {
            return run_end::refused;
        }
    }
    return run_end::done;
}

run_end scheduler::turns(run_mode mode) noexcept {
    const auto wait =
        mode == run_mode::ready ? loop::waiting::forbidden : loop::waiting::allowed;
    const auto late =
        mode == run_mode::step ? loop::late_timers::this_turn : loop::late_timers::next_turn;
    for (;;) {
        const loop::turn_report report = loop_.turn(wait, late);
        if (report.refused) {
            return run_end::refused;
        }
        const bool satisfied =
            mode == run_mode::ready || (mode == run_mode::step && report.resumed > 0);
        if (satisfied || !loop_.alive() || loop_.halted()) {
            return run_end::done;
        }
        if (is_idle()) {
            return run_end::suspended;
        }
        if (report.interrupted) {
            return run_end::interrupted;
        }
    }
}

run_end scheduler::run(lua_State* L, run_mode mode, idling when_idle) noexcept {
    from_ = L;
    running_ = true;
    when_idle_ = when_idle;
    loop_.begin_run();
    // A signal handler of the host may set a hook at any moment, also when the loop never
    // sleeps.
    hook_ = lua_gethook(L);
    run_end end = run_end::suspended;
    while (end == run_end::suspended) {
        end = when_idle == idling::suspend ? take_mail() : run_end::done;
        if (end != run_end::done || !loop_.alive() || loop_.halted()) {
            break;
        }
        failure_ = loop_.arrive();
        if (failure_ != 0) {
            end = run_end::stranded;
            break;
        }
        end = turns(mode);
        loop_.park();
    }
    running_ = false;
    from_ = nullptr;
    return end;
}

bool scheduler::close() noexcept {
    if (resumed_now.by == this) {
        resumed_now = {}; // the coroutine that ends the process from within goes with the state
    }
    return loop_.close();
}

void scheduler::flush_at_exit() noexcept {
    if (!forked() && loop_.belongs_here()) {
        loop_.flush();
    }
}

} // namespace coring::lua::vm
