#include "lua/vm/scheduler.hpp"

#include "base/fork_watch.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"

#include <utility>

namespace coring::lua::vm {

base::result<void> scheduler::open(const loop::engine_wish& wish,
                                   loop::residence where) noexcept {
    base::watch_forks();
    generation_ = base::fork_generation();
    return loop_.open(wish, where);
}

loop::delivery scheduler::deliver(op::operation& ready) noexcept {
    auto* coroutine = static_cast<lua_State*>(ready.waiter);
    if (ready.chained == op::operation::not_chained && lua_status(coroutine) != LUA_YIELD) {
        // Closed while it waited without a guard (a zero suspension): nobody to resume.
        drop(from_, *this, ready);
        return loop::delivery::dropped;
    }
    ready.begin_delivery();
    const delivery_progress outer = std::exchange(current_, delivery_progress{&ready});
    // There is room: the frame of the await function has LUA_MINSTACK places and uses a few.
    lua_pushlightuserdata(coroutine, &ready);
    int results = 0;
    const int status = lua_resume(coroutine, from_, 1, &results);
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
    return lua_gethook(from_) != hook_;
}

run_end scheduler::run(lua_State* L, run_mode mode) noexcept {
    from_ = L;
    running_ = true;
    loop_.begin_run();
    run_end end = run_end::done;
    const auto wait =
        mode == run_mode::ready ? loop::waiting::forbidden : loop::waiting::allowed;
    const auto late =
        mode == run_mode::step ? loop::late_timers::this_turn : loop::late_timers::next_turn;
    // A signal handler of the host may set a hook at any moment, also when the loop never
    // sleeps.
    hook_ = lua_gethook(L);
    bool going = loop_.alive();
    while (going) {
        const loop::turn_report report = loop_.turn(wait, late);
        if (report.refused) {
            end = run_end::refused;
            break;
        }
        const bool satisfied =
            mode == run_mode::ready || (mode == run_mode::step && report.resumed > 0);
        going = loop_.alive() && !loop_.halted() && !satisfied;
        if (going && report.interrupted) {
            end = run_end::interrupted;
            break;
        }
    }
    loop_.park();
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
