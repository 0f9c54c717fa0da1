// A stretch of a task, between two of which its state may go to another thread: the last that a
// thread does is rest_now(), and from inside that on the state is not its own any more.
#include "lua/task.hpp"

#include "lua/endpoint.hpp"
#include "lua/vm/reply.hpp"

#include <new>
#include <string_view>
#include <utility>

namespace coring::lua {

namespace {

threadpool::rendezvous& meetings() noexcept {
    return threadpool::rendezvous::process();
}

void wake_matched(void* matched) noexcept {
    auto& woken = *static_cast<task*>(matched);
    woken.pool.wake(woken);
}

// Nobody but the announcement wakes it.
threadpool::announcement announce_match(threadpool::party& self, const void*) noexcept {
    return {wake_matched, &static_cast<task_party&>(self).of};
}

// What a chunk asked for by yielding.
struct wanted_meeting {
    threadpool::meeting_point* at;
    threadpool::parcel* brings;
    threadpool::endpoint end;
};

int refuse(lua_State* L) {
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

// Called with what was yielded, after a pointer to what comes of it. Returns nothing, or false
// and why not. What it acquires is released by its caller if it raises.
int read_request(lua_State* L) {
    auto& wanted = *static_cast<wanted_meeting*>(lua_touserdata(L, 1));
    lua_remove(L, 1);
    constexpr int first_value = 3;
    if (!to_endpoint(L, 2, wanted.end)) {
        return refuse(L);
    }
    wanted.brings = threadpool::parcel::make();
    if (wanted.brings == nullptr) {
        return luaL_error(L, "not enough memory");
    }
    const vm::packing packed = vm::pack(L, first_value, wanted.brings->values);
    if (!packed.done()) {
        vm::push_refusal(L, packed, "argument", first_value - 1);
        return refuse(L);
    }
    std::size_t size = 0;
    const char* name = lua_tolstring(L, 1, &size);
    wanted.at = meetings().open({name, size});
    return wanted.at != nullptr ? 0 : luaL_error(L, "not enough memory");
}

int link(lua_State* L) {
    vm::link_task(L, *static_cast<vm::task_link*>(lua_touserdata(L, 1)));
    return 0;
}

bool is_request(lua_State* chunk, int count) noexcept {
    return count > 0 && lua_isstring(chunk, -count) != 0;
}

} // namespace

task_party::task_party(task& waiting) noexcept
    : party{announce_match, threadpool::endpoint::any}, of{waiting} {}

task::task(threadpool::task_pool& in, vm::independent_state& its_state) noexcept
    : pool_task{work, rest_now, discard_now}, pool{in}, state{&its_state} {
    pool.use();
    chunk = state->chunk();
    listener = this;
    keep = keep_for_mail;
    knocked = wake_for_mail;
}

task::~task() {
    pool.let_go();
}

bool task::prepare(const base::message& with) noexcept {
    lua_State* main = state->main();
    lua_pushcfunction(main, link);
    lua_pushlightuserdata(main, static_cast<vm::task_link*>(this));
    if (lua_pcall(main, 1, 0, 0) != LUA_OK) {
        lua_pop(main, 1);
        return false;
    }
    arguments = static_cast<int>(with.values().size());
    return vm::unpack_protected(main, chunk, with);
}

void task::let_go() noexcept {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

void task::close_state() noexcept {
    sleeps = false;
    delete state;
    state = nullptr;
}

void task::end() noexcept {
    if (state != nullptr) {
        close_state();
    }
    let_go();
}

void task::discard_now(threadpool::pool_task& self) noexcept {
    static_cast<task&>(self).end();
}

// --- a stretch of work ----------------------------------------------------------------------

// What a match has brought becomes the arguments.
void task::take_match() noexcept {
    threadpool::parcel* got = std::exchange(meeting.gets, nullptr);
    if (got == nullptr) {
        return;
    }
    if (threadpool::parcel* given = std::exchange(meeting.brings, nullptr); given != nullptr) {
        given->let_go(); // the other one has copied it
    }
    const int top = lua_gettop(chunk);
    lua_pushboolean(chunk, 1); // there is room for what it has yielded
    const bool done = vm::unpack_protected(state->main(), chunk, got->values);
    arguments = 1 + static_cast<int>(got->values.values().size());
    if (!done) {
        lua_settop(chunk, top);
        lua_pushboolean(chunk, 0);
        arguments = 1;
    }
    got->let_go();
}

threadpool::task_end task::work(threadpool::pool_task& self) noexcept {
    auto& working = static_cast<task&>(self);
    lua_State* chunk = working.chunk;
    working.sleeps = false;
    working.mail.store(attention::awake); // before the loop looks for mail
    working.take_match();
    int results = 0;
    const int status =
        lua_resume(chunk, working.state->main(), std::exchange(working.arguments, 0), &results);
    if (status != LUA_YIELD) {
        if (status != LUA_OK) {
            working.fail();
        }
        working.close_state();
        return threadpool::task_end::over;
    }
    if (working.sleeps) {
        return threadpool::task_end::suspended;
    }
    if (is_request(chunk, results)) {
        return working.request(results);
    }
    lua_pop(chunk, results);
    return threadpool::task_end::again;
}

// What the closing of variables raises comes in place of the error of the chunk.
void task::fail() noexcept {
    static_cast<void>(state->end_chunk());
    vm::warn_of_error(state->main(), chunk, "threads", "(null)");
}

// The chunk has yielded so many values, of which the first names a channel.
threadpool::task_end task::request(int count) noexcept {
    lua_State* main = state->main();
    const int top = lua_gettop(main);
    wanted_meeting wanted{nullptr, nullptr, threadpool::endpoint::any};
    if (lua_checkstack(main, count + 2) == 0) {
        lua_pop(chunk, count);
        lua_pushboolean(chunk, 0);
        arguments = 1;
        return threadpool::task_end::again;
    }
    lua_pushcfunction(main, read_request);
    lua_pushlightuserdata(main, &wanted);
    lua_xmove(chunk, main, count);
    if (lua_pcall(main, count + 1, LUA_MULTRET, 0) != LUA_OK) {
        lua_pushboolean(main, 0);
        lua_insert(main, -2);
    }
    arguments = lua_gettop(main) - top;
    if (arguments == 0) {
        meeting.end = wanted.end;
        meeting.at = wanted.at;
        meeting.brings = wanted.brings;
        return threadpool::task_end::suspended;
    }
    if (wanted.brings != nullptr) {
        wanted.brings->let_go();
    }
    lua_xmove(main, chunk, arguments); // there is room: it has just yielded as much
    return threadpool::task_end::again;
}

// --- between stretches ----------------------------------------------------------------------

bool task::rest_now(threadpool::pool_task& self) noexcept {
    auto& resting = static_cast<task&>(self);
    if (resting.sleeps) {
        attention seen = attention::awake;
        return !resting.mail.compare_exchange_strong(seen, attention::asleep);
    }
    threadpool::meeting_point& at = *std::exchange(resting.meeting.at, nullptr);
    const bool matched_now = meetings().arrive(at, resting.meeting, nullptr);
    meetings().close(at); // while it waits, it uses the point itself
    return matched_now;
}

void task::keep_for_mail(base::mail_listener& self) noexcept {
    static_cast<task&>(self).owners_.fetch_add(1, std::memory_order_relaxed);
}

// Told while it sleeps, it goes on; told before, it does not fall asleep.
void task::wake_for_mail(base::mail_listener& self) noexcept {
    auto& told = static_cast<task&>(self);
    if (told.mail.exchange(attention::told) == attention::asleep) {
        told.pool.wake(told);
    }
    told.let_go();
}

} // namespace coring::lua
