#include "lua/channel.hpp"

#include "lua/endpoint.hpp"
#include "lua/vm/object.hpp"
#include "lua/vm/transfer.hpp"

namespace coring::lua {

namespace {

constexpr int first_value = 3; // of the arguments of awaitch and sync

// Pushes what was looked at. Whoever brought it may be gone by now, its values are not.
bool push_values(lua_State* L, const base::message& values) noexcept {
    if (lua_checkstack(L, 1) == 0) {
        return false;
    }
    lua_pushboolean(L, 1);
    return vm::unpack_protected(L, L, values);
}

} // namespace

io::channel& check_channel(lua_State* L, const vm::scheduler& on) {
    auto& found = *static_cast<io::channel*>(
        vm::check_object(L, 1, on, vm::class_id::channel, "coutil:channel"));
    luaL_argcheck(L, found.at != nullptr, 1, "closed channel");
    return found;
}

threadpool::endpoint check_endpoint(lua_State* L) {
    threadpool::endpoint end{};
    if (!to_endpoint(L, 2, end)) {
        lua_error(L);
    }
    return end;
}

threadpool::parcel& check_parcel(lua_State* L) {
    auto* made = threadpool::parcel::make();
    vm::packing packed{vm::packing_end::memory_short, 0, nullptr};
    if (made != nullptr) {
        packed = vm::pack(L, first_value, made->values);
    }
    if (!packed.done()) {
        if (made != nullptr) {
            made->let_go();
        }
        vm::push_refusal(L, packed, "argument", first_value - 1);
        lua_error(L);
        __builtin_unreachable();
    }
    return *made;
}

exchange exchange_with_waiting(lua_State* L,
                               vm::scheduler& on,
                               const io::channel& at,
                               threadpool::endpoint end,
                               threadpool::parcel& mine) noexcept {
    auto& meetings = threadpool::rendezvous::process();
    threadpool::meeting_point& point = *at.at;
    threadpool::glimpse waiting = meetings.look(point, end);
    if (waiting.brings == nullptr) {
        return {exchange_end::nobody, 0};
    }
    const int top = lua_gettop(L);
    exchange_end ended = exchange_end::disturbed;
    meetings.use_again(point); // a finalizer may close the channel
    while (ended == exchange_end::disturbed && waiting.brings != nullptr) {
        const bool pushed = push_values(L, waiting.brings->values);
        waiting.brings->let_go();
        if (!pushed) {
            ended = exchange_end::no_memory;
        } else if (meetings.take(point, waiting.ticket, mine, &on.on())) {
            ended = exchange_end::done;
        } else {
            lua_settop(L, top);
            waiting = meetings.look(point, end);
        }
    }
    meetings.close(point);
    return {ended, lua_gettop(L) - top};
}

} // namespace coring::lua
