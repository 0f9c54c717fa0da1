// How a state comes by its scheduler, and how the scheduler ends with the state.
#include "io/standard_stream.hpp"
#include "lua/memory/layout.hpp"
#include "lua/memory/metatables.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/new_state.hpp"
#include "lua/vm/reply.hpp"
#include "lua/vm/scheduler.hpp"

#include <cstdlib>
#include <mutex>
#include <new>
#include <type_traits>

#include <pthread.h>

namespace coring::lua::vm {

namespace {

// Its address is the key of the registry's entry: a table of the upvalues.
constexpr char registry_key = 0;

// The scheduler of the thread that loaded the library first: what a program wrote last must
// still go out when it leaves through os.exit, which closes no state. Other threads that end
// the process leave it alone: it may be running. Independent states are not meant.
class exit_flush {
public:
    void remember(scheduler* added) noexcept {
        const std::lock_guard<std::mutex> hold{mutex_};
        if (first_ == nullptr) {
            first_ = added;
            thread_ = ::pthread_self();
        }
    }

    void forget(const scheduler* ended) noexcept {
        const std::lock_guard<std::mutex> hold{mutex_};
        if (first_ == ended) {
            first_ = nullptr;
        }
    }

    void flush() noexcept {
        const std::lock_guard<std::mutex> hold{mutex_};
        if (first_ != nullptr && ::pthread_equal(thread_, ::pthread_self()) != 0) {
            first_->flush_at_exit();
        }
    }

private:
    std::mutex mutex_;
    scheduler* first_ = nullptr;
    pthread_t thread_{};
};

// Never destroyed, since the end of the process may race it; and it asks for no memory.
static_assert(std::is_trivially_destructible_v<exit_flush>);

exit_flush& exit_flusher() noexcept {
    static exit_flush one;
    return one;
}

void flush_now() {
    exit_flusher().flush();
}

// What the environment asks for. Read once: states load the library in any thread, and the
// environment may change meanwhile.
struct environment_wish {
    environment_wish() noexcept : wish{loop::wish_from_environment(unknown)} {}

    bool unknown = false;
    loop::engine_wish wish;
};

const environment_wish& read_wish() noexcept {
    static const environment_wish once;
    return once;
}

int close_scheduler(lua_State* L) {
    auto* block = static_cast<scheduler_block*>(lua_touserdata(L, 1));
    scheduler* ended = block->alive;
    block->alive = nullptr;
    if (ended == nullptr) {
        return 0;
    }
    exit_flusher().forget(ended);
    // In a forked child all of it is shared with the parent, in another thread the kernel still
    // has some of it: nothing is touched, nothing freed.
    if (ended->belongs_here() && ended->close()) {
        delete ended;
    }
    return 0;
}

void push_scheduler(lua_State* L) {
    auto* block =
        static_cast<scheduler_block*>(lua_newuserdatauv(L, sizeof(scheduler_block), 0));
    block->alive = nullptr;
    // Marked before any object is made, so that at lua_close it is finalized after all of them.
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_scheduler);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    const environment_wish& asked = read_wish();
    const loop::engine_wish& wish = asked.wish;
    block->alive = new (std::nothrow) scheduler;
    io::hold_standard_places(); // before we open anything that could get such a number
    if (block->alive == nullptr) {
        luaL_error(L, "not enough memory");
    }
    // Tasks and state coroutines go from thread to thread.
    const bool independent = is_independent(L);
    const auto where = independent ? loop::residence::wandering : loop::residence::settled;
    if (const auto opened = block->alive->open(wish, where); !opened) {
        const bool insisted = wish.kind == loop::engine_kind::uring;
        raise_no_start(L, insisted ? "io_uring: " : "", opened.error());
    }
    block->alive->serve(task_of(L));
    if (asked.unknown && !independent) {
        lua_warning(L, "[coutil] COUTIL_ENGINE is neither auto, uring nor epoll: using auto",
                    0);
    }
    if (!independent) {
        static const int registered = std::atexit(flush_now);
        static_cast<void>(registered);
        exit_flusher().remember(block->alive);
    }
}

void learn_memory_classes(lua_State* L, scheduler& of) {
    memory::ensure_metatables(L);
    luaL_getmetatable(L, memory::fixed_key);
    luaL_getmetatable(L, memory::reference_key);
    of.set_class(class_id::memory_fixed, lua_topointer(L, -2));
    of.set_class(class_id::memory_reference, lua_topointer(L, -1));
    lua_pop(L, 2);
}

void make_upvalues(lua_State* L) {
    lua_createtable(L, upvalue_count, 0);
    push_scheduler(L);
    learn_memory_classes(L, *static_cast<scheduler_block*>(lua_touserdata(L, -1))->alive);
    lua_rawseti(L, -2, scheduler_upvalue);
    lua_newtable(L);
    lua_rawseti(L, -2, anchors_upvalue);
    lua_newtable(L);
    lua_rawseti(L, -2, far_anchors_upvalue);
    for (int at = 1; at < guard_upvalue; ++at) {
        lua_rawgeti(L, -at, at);
    }
    push_guard(L);
    lua_rawseti(L, -2, guard_upvalue);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
}

} // namespace

scheduler* scheduler_if_any(lua_State* L) noexcept {
    return static_cast<scheduler_block*>(lua_touserdata(L, lua_upvalueindex(scheduler_upvalue)))
        ->alive;
}

scheduler& scheduler_of_upvalue(lua_State* L) {
    scheduler* alive = scheduler_if_any(L);
    if (__builtin_expect(static_cast<long>(alive == nullptr), 0) != 0) {
        luaL_error(L, "scheduler is closed");
        __builtin_unreachable();
    }
    return *alive;
}

void check_not_forked(lua_State* L, const scheduler& on) {
    if (on.forked()) {
        luaL_error(L, "scheduler not usable after fork");
    }
}

scheduler& scheduler_unless_forked(lua_State* L) {
    scheduler& on = scheduler_of(L);
    check_not_forked(L, on);
    return on;
}

void check_place(lua_State* L, const scheduler& on) {
    check_not_forked(L, on);
    if (!on.belongs_here()) {
        luaL_error(L, "scheduler has operations pending in another thread");
    }
}

void push_upvalues(lua_State* L) {
    luaL_checkstack(L, 8, nullptr);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        make_upvalues(L);
    }
    const int table = lua_gettop(L);
    for (int at = 1; at <= upvalue_count; ++at) {
        lua_rawgeti(L, table, at);
    }
    lua_remove(L, table);
}

} // namespace coring::lua::vm
