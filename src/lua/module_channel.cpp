// The module coutil.channel. Manual: Channels (channel.close, channel.create, channel.getname,
// channel.getnames, channel.sync). Behaviour 15.6.
#include "lua/channel.hpp"
#include "lua/threads.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/module.hpp"
#include "lua/vm/reply.hpp"

#include <cstring>
#include <string_view>

namespace coring::lua {

namespace {

constexpr const char* class_name = "coutil:channel";

threadpool::rendezvous& meetings() noexcept {
    return threadpool::rendezvous::process();
}

int channel_create(lua_State* L) {
    vm::scheduler& on = vm::scheduler_unless_forked(L);
    std::size_t size = 0;
    const char* name = luaL_checklstring(L, 1, &size);
    auto* made = new (lua_newuserdatauv(L, sizeof(io::channel), 0)) io::channel;
    vm::set_class(L, vm::class_id::channel);
    if (!io::channel_open(on.on(), *made, {name, size})) {
        vm::raise_no_memory(L);
    }
    return 1;
}

// A fork shares the meeting points with its parent.
void close_channel(const vm::scheduler& on, io::channel& open) noexcept {
    if (on.forked()) {
        open.unlink();
        open.at = nullptr;
    } else {
        io::channel_close(open);
    }
}

int channel_close(lua_State* L) {
    const vm::scheduler& on = vm::scheduler_of(L);
    auto& closing = *static_cast<io::channel*>(
        vm::check_object(L, 1, on, vm::class_id::channel, class_name));
    const bool is_open = closing.at != nullptr;
    if (is_open) {
        luaL_argcheck(L, closing.waiting == nullptr, 1, "in use");
        close_channel(on, closing);
    }
    lua_pushboolean(L, is_open ? 1 : 0);
    return 1;
}

// Ends the wait of a coroutine on a channel that is being closed. The operation to deliver, if
// it was not matched before.
op::operation* cancel_wait(const vm::scheduler& on, io::channel& closing) noexcept {
    op::operation* waiting = closing.waiting;
    if (waiting == nullptr || on.forked() || !io::await_channel_cancel(closing)) {
        return nullptr;
    }
    return waiting;
}

// Unlike close, it also closes a channel in use: its coroutine is resumed here and now.
int channel_leave_scope(lua_State* L) {
    vm::scheduler& on = vm::scheduler_of(L);
    auto* closing = static_cast<io::channel*>(vm::test_object(L, 1, on, vm::class_id::channel));
    if (closing == nullptr || closing->at == nullptr) {
        return 0;
    }
    luaL_checkstack(L, 4, nullptr);
    op::operation* waiting = cancel_wait(on, *closing);
    close_channel(on, *closing);
    if (waiting != nullptr) {
        on.deliver_from(L, *waiting, "object:close", "(null)");
    }
    return 0;
}

// Whether this is a finalizer that Lua calls, in which it has no other one. (Before 5.4.4 there
// is no telling.)
bool is_finalizing(lua_State* L) noexcept {
    return lua_gc(L, LUA_GCISRUNNING) < 0;
}

// Nobody waits on garbage; but a program may call this, and a closing state does. Pools close
// before channels (behaviour 15.4): one of their tasks may have come to match this wait.
// Whoever still waits hears of it in the next turn, if there is one.
int channel_collect(lua_State* L) {
    vm::scheduler* on = vm::scheduler_if_any(L);
    if (on == nullptr) {
        return 0; // its loop has closed it
    }
    auto* closing =
        static_cast<io::channel*>(vm::test_object(L, 1, *on, vm::class_id::channel));
    if (closing == nullptr || closing->at == nullptr) {
        return 0;
    }
    if (closing->waiting != nullptr && is_finalizing(L)) {
        luaL_checkstack(L, 4, nullptr);
        close_pools(L);
    }
    if (op::operation* waiting = cancel_wait(*on, *closing); waiting != nullptr) {
        on->on().cancel_ready(*waiting);
    }
    close_channel(*on, *closing);
    return 0;
}

int channel_getname(lua_State* L) {
    const io::channel& of = check_channel(L, vm::scheduler_of(L));
    const std::string_view name = threadpool::rendezvous::name_of(*of.at);
    lua_pushlstring(L, name.data(), name.size());
    return 1;
}

// --- getnames -------------------------------------------------------------------------------

// Keys that are there are only set or cleared, so the traversal stays valid.
int update_names(lua_State* L) {
    lua_settop(L, 1);
    lua_pushnil(L);
    while (lua_next(L, 1) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, 2) != LUA_TSTRING) {
            continue;
        }
        std::size_t size = 0;
        const char* bytes = lua_tolstring(L, 2, &size);
        lua_pushvalue(L, 2);
        if (meetings().exists({bytes, size})) {
            lua_pushboolean(L, 1);
        } else {
            lua_pushnil(L);
        }
        lua_rawset(L, 1);
    }
    return 1;
}

// Pushes a block with all names; returns its size.
std::size_t push_all_names(lua_State* L) {
    std::size_t room = meetings().copy_names(nullptr, 0);
    for (;;) {
        auto* into = static_cast<char*>(lua_newuserdatauv(L, room, 0));
        const std::size_t needed = meetings().copy_names(into, room);
        if (needed <= room) {
            return needed;
        }
        lua_pop(L, 1); // other states made more meanwhile
        room = needed;
    }
}

int channel_getnames(lua_State* L) {
    static_cast<void>(vm::scheduler_unless_forked(L));
    if (!lua_isnoneornil(L, 1)) {
        luaL_checktype(L, 1, LUA_TTABLE);
        return update_names(L);
    }
    const std::size_t size = push_all_names(L);
    const char* names = static_cast<const char*>(lua_touserdata(L, -1));
    lua_newtable(L);
    for (std::size_t at = 0; at < size;) {
        std::size_t length = 0;
        std::memcpy(&length, names + at, sizeof length);
        at += sizeof length;
        lua_pushlstring(L, names + at, length);
        at += length;
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    }
    return 1;
}

// --- sync -----------------------------------------------------------------------------------

int channel_sync(lua_State* L) {
    vm::scheduler& on = vm::scheduler_unless_forked(L);
    const io::channel& at = check_channel(L, on);
    const threadpool::endpoint end = check_endpoint(L);
    threadpool::parcel& mine = check_parcel(L);
    const exchange met = exchange_with_waiting(L, on, at, end, mine);
    if (met.end == exchange_end::done) {
        return met.pushed;
    }
    mine.let_go();
    if (met.end == exchange_end::no_memory) {
        vm::raise_no_memory(L);
    }
    return vm::fail_text(L, "empty");
}

constexpr luaL_Reg functions[] = {
    {"close", channel_close},       {"create", channel_create}, {"getname", channel_getname},
    {"getnames", channel_getnames}, {"sync", channel_sync},     {nullptr, nullptr},
};

constexpr luaL_Reg metamethods[] = {
    {"__gc", channel_collect},
    {"__close", channel_leave_scope},
    {nullptr, nullptr},
};

constexpr vm::class_module module{vm::class_id::channel, class_name, metamethods, functions,
                                  nullptr};

} // namespace

} // namespace coring::lua

extern "C" __attribute__((visibility("default"))) int luaopen_coutil_channel(lua_State* L);

extern "C" int luaopen_coutil_channel(lua_State* L) {
    return coring::lua::vm::open_module(L, coring::lua::module);
}
