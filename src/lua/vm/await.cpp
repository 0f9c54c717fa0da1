#include "lua/vm/await.hpp"

namespace coring::lua::vm {

namespace {

// Stores the value on top of the stack as the anchor of a slot. The places exist already, so
// that neither setting nor clearing one ever allocates.
void store_anchor(lua_State* L, std::uint32_t slot) {
    if (slot < near_anchors) {
        lua_rawseti(L, lua_upvalueindex(anchors_upvalue), lua_Integer{slot} + 1);
    } else {
        lua_rawseti(L, lua_upvalueindex(far_anchors_upvalue),
                    lua_Integer{slot - near_anchors} + 1);
    }
}

void set_anchor(lua_State* L, op::operation& waiting) {
    if (!waiting.anchored) {
        lua_pushthread(L);
        store_anchor(L, waiting.slot);
        waiting.anchored = true;
    }
}

void clear_anchor(lua_State* L, op::operation& done) {
    if (done.anchored) {
        lua_pushboolean(L, 0);
        store_anchor(L, done.slot);
        done.anchored = false;
    }
}

// The coroutine leaves its wait, by an explicit resume or by being closed.
void leave(lua_State* L, scheduler& on, op::operation& waiting) noexcept {
    on.waiters().remove(waiting);
    clear_anchor(L, waiting);
    on.on().leave(waiting);
}

// Runs when the frame of an await ends, in whatever way. After a normal end the coroutine is
// not in the index any more; if it still is, it was closed while it waited.
int guard_close(lua_State* L) {
    scheduler* on = scheduler_if_any(L);
    if (on == nullptr) {
        return 0;
    }
    // Every await ends here, and nearly all find nothing: what costs more is asked last.
    op::operation* waiting = on->waiters().find(L);
    if (waiting != nullptr && waiting->at != op::state::delivering && on->belongs_here()) {
        leave(L, *on, *waiting);
    }
    return 0;
}

// Adds records, anchors and index places; each step leaves things usable if the next one fails.
void make_room(lua_State* L, scheduler& on) {
    loop::loop& loop = on.on();
    if ((loop.must_grow() && !loop.grow()) || !on.waiters().reserve(loop.capacity())) {
        luaL_error(L, "not enough memory");
    }
    while (on.anchored() < loop.capacity()) {
        lua_pushboolean(L, 0);
        store_anchor(L, on.anchored());
        on.add_anchor();
    }
}

} // namespace

void check_yieldable(lua_State* L) {
    if (lua_isyieldable(L) == 0) {
        luaL_error(L, "unable to yield");
    }
}

scheduler& scheduler_with_room(lua_State* L) {
    scheduler& on = scheduler_of(L);
    if (on.forked()) {
        luaL_error(L, "scheduler not usable after fork");
    }
    if (on.on().must_grow() || on.anchored() < on.on().capacity()) {
        make_room(L, on);
    }
    return on;
}

op::operation&
new_operation(lua_State* L, scheduler& on, const op::operation_type& type) noexcept {
    op::operation* record = on.spent(L);
    if (record != nullptr) {
        on.on().reuse(*record, type);
        return *record;
    }
    record = on.on().acquire(type, L);
    CORING_ASSERT(record != nullptr);
    return *record;
}

void give_back(lua_State* L, scheduler& on, op::operation& idle) noexcept {
    if (!on.reclaims(idle)) {
        conclude(L, on, idle);
    }
}

int suspend(lua_State* L,
            scheduler& on,
            op::operation& waiting,
            int arguments,
            lua_KFunction k) {
    lua_settop(L, arguments);
    on.started(waiting);
    set_anchor(L, waiting);
    on.waiters().insert(waiting);
    lua_pushvalue(L, lua_upvalueindex(guard_upvalue));
    lua_toclose(L, -1);
    return lua_yieldk(L, 0, reinterpret_cast<lua_KContext>(&waiting), k);
}

int suspend_unguarded(lua_State* L,
                      scheduler& on,
                      op::operation& waiting,
                      int arguments,
                      lua_KFunction k) {
    lua_settop(L, arguments);
    on.started(waiting);
    set_anchor(L, waiting);
    return lua_yieldk(L, 0, reinterpret_cast<lua_KContext>(&waiting), k);
}

delivery_of delivered(lua_State* L, lua_KContext context, int base) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): Lua hands a pointer through as an integer
    auto* waiting = reinterpret_cast<op::operation*>(context);
    scheduler* on = scheduler_if_any(L);
    if (on == nullptr) {
        return {nullptr, nullptr}; // a finalizer resumed it after the scheduler had ended
    }
    const bool by_loop = waiting->at == op::state::delivering && lua_gettop(L) == base + 1 &&
                         lua_touserdata(L, -1) == waiting;
    if (by_loop) {
        on->entered();
        return {waiting, on};
    }
    check_place(L, *on);
    leave(L, *on, *waiting);
    return {nullptr, on};
}

int suspend_again(lua_State* L,
                  scheduler& on,
                  op::operation& waiting,
                  int base,
                  lua_KFunction k) {
    on.waits_again();
    lua_settop(L, base);
    return lua_yieldk(L, 0, reinterpret_cast<lua_KContext>(&waiting), k);
}

void take_results(scheduler& on, op::operation& done) noexcept {
    on.taken();
    on.waiters().remove(done);
    on.on().detach_from_object(done);
}

void conclude(lua_State* L, scheduler& on, op::operation& done) noexcept {
    on.waiters().remove(done);
    clear_anchor(L, done);
    on.on().conclude(done);
}

void drop(lua_State* L, scheduler& on, op::operation& ready) noexcept {
    on.waiters().remove(ready);
    clear_anchor(L, ready);
    ready.drop_ready();
    on.on().conclude(ready);
}

void push_guard(lua_State* L) {
    constexpr int shared = guard_upvalue - 1; // the scheduler and the anchors, as everywhere
    lua_newuserdatauv(L, 0, 0);
    lua_insert(L, -1 - shared);
    lua_createtable(L, 0, 1);
    lua_insert(L, -1 - shared);
    lua_pushcclosure(L, guard_close, shared);
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, -2);
}

} // namespace coring::lua::vm
