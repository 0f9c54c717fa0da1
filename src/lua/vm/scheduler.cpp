#include "lua/vm/scheduler.hpp"

#include "base/fork_watch.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"

#include <utility>

namespace coring::lua::vm {

base::result<void> scheduler::open(const loop::engine_wish& wish) noexcept {
    generation_ = base::fork_generation();
    return loop_.open(wish);
}

bool scheduler::forked() const noexcept {
    return generation_ != base::fork_generation();
}

loop::delivery scheduler::deliver(op::operation& ready) noexcept {
    auto* coroutine = static_cast<lua_State*>(ready.waiter);
    if (lua_status(coroutine) != LUA_YIELD) {
        // Closed while it waited without a guard (a zero suspension): nobody to resume.
        drop(from_, *this, ready);
        return loop::delivery::dropped;
    }
    if (lua_checkstack(coroutine, 2) == 0) {
        return loop::delivery::refused;
    }
    // Once its anchor is gone nothing else may refer to the coroutine while it runs others.
    lua_pushthread(coroutine);
    lua_xmove(coroutine, from_, 1);
    const std::uint32_t generation = ready.generation;
    ready.begin_delivery();
    entered_ = false;
    lua_pushlightuserdata(coroutine, &ready);
    int results = 0;
    const int status = lua_resume(coroutine, from_, 1, &results);
    loop::delivery outcome = loop::delivery::resumed;
    if (ready.generation == generation) {
        if (ready.at != op::state::delivering) {
            outcome = loop::delivery::again;
        } else if (!entered_) {
            outcome = loop::delivery::refused; // for want of C stack; it still waits
            ready.postpone();
        } else {
            conclude(from_, *this, ready); // it raised before it was done with the record
        }
    }
    if (status == LUA_YIELD || status == LUA_OK) {
        lua_pop(coroutine, results);
    } else if (outcome == loop::delivery::refused) {
        lua_pop(coroutine, 1);
    } else {
        warn_of_error(from_, coroutine, place_, other_);
    }
    lua_pop(from_, 1);
    return outcome;
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
    // The delivery that this one interrupted had begun long before.
    entered_ = true;
}

run_end scheduler::run(lua_State* L, run_mode mode) noexcept {
    from_ = L;
    running_ = true;
    loop_.begin_run();
    run_end end = run_end::done;
    const auto wait = mode == run_mode::ready ? loop::waiting::forbidden : loop::waiting::allowed;
    const auto late =
        mode == run_mode::step ? loop::late_timers::this_turn : loop::late_timers::next_turn;
    bool going = loop_.alive();
    while (going) {
        const loop::turn_report report = loop_.turn(wait, late);
        if (report.refused) {
            end = run_end::refused;
            break;
        }
        if (report.interrupted) {
            end = run_end::interrupted;
            break;
        }
        const bool satisfied = mode == run_mode::ready ||
                               (mode == run_mode::step && report.resumed > 0);
        going = loop_.alive() && !loop_.halted() && !satisfied;
    }
    running_ = false;
    from_ = nullptr;
    return end;
}

bool scheduler::close() noexcept {
    return loop_.close();
}

void scheduler::flush_at_exit() noexcept {
    if (!forked() && loop_.belongs_here()) {
        loop_.flush();
    }
}

} // namespace coring::lua::vm
