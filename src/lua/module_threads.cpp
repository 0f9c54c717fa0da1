// The module coutil.threads. Manual: Thread Pools (threads.close, threads.count,
// threads.create, threads.dofile, threads.dostring, threads.resize). Behaviour 15.3, 15.4.
#include "lua/task.hpp"
#include "lua/threads.hpp"
#include "lua/vm/memory.hpp"
#include "lua/vm/module.hpp"
#include "lua/vm/reply.hpp"

#include <new>
#include <utility>

namespace coring::lua {

namespace {

constexpr const char* class_name = "coutil:threads";

// Its address is the key of the registry's entry of the pools that a state owns.
constexpr char owned_key = 0;

// The pools that this state made and has not closed. References may be collected before.
struct owned_pools {
    base::intrusive_list<threadpool::task_pool> list;
};

// The userdata of a reference.
struct pool_reference {
    threadpool::task_pool* pool; // null: closed
    bool owns;                   // false: it is of a task, to its own pool
};

// What a new task consists of until its pool has it. In a userdata, so that an error on the way
// loses nothing.
struct new_task {
    task* made = nullptr;
    base::message values; // arguments, or why there is no chunk
};

pool_reference& check_pool(lua_State* L) {
    vm::scheduler& on = vm::scheduler_unless_forked(L);
    auto& found = *static_cast<pool_reference*>(
        vm::check_object(L, 1, on, vm::class_id::thread_pool, class_name));
    luaL_argcheck(L, found.pool != nullptr, 1, "closed threads");
    return found;
}

// --- making and closing ---------------------------------------------------------------------

// In a forked child all of it is the parent's.
void close_all(owned_pools& all, bool forked) noexcept {
    while (threadpool::task_pool* next = all.list.pop_front()) {
        if (!forked) {
            next->close();
        }
    }
}

// The state closes.
int collect_owned(lua_State* L) {
    const vm::scheduler* on = vm::scheduler_if_any(L);
    close_all(*static_cast<owned_pools*>(lua_touserdata(L, 1)), on != nullptr && on->forked());
    return 0;
}

// What closes the state's pools when it closes is made with the first of them.
owned_pools& ensure_owned(lua_State* L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &owned_key) == LUA_TNIL) {
        lua_pop(L, 1);
        new (lua_newuserdatauv(L, sizeof(owned_pools), 0)) owned_pools;
        lua_createtable(L, 0, 1);
        for (int at = 1; at <= vm::upvalue_count; ++at) {
            lua_pushvalue(L, lua_upvalueindex(at));
        }
        lua_pushcclosure(L, collect_owned, vm::upvalue_count);
        lua_setfield(L, -2, "__gc");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &owned_key);
    }
    auto& found = *static_cast<owned_pools*>(lua_touserdata(L, -1));
    lua_pop(L, 1);
    return found;
}

pool_reference& push_reference(lua_State* L) {
    auto* made =
        new (lua_newuserdatauv(L, sizeof(pool_reference), 0)) pool_reference{nullptr, false};
    vm::set_class(L, vm::class_id::thread_pool);
    return *made;
}

// The pool in which the caller runs, or nil.
int refer_to_own_pool(lua_State* L) {
    vm::task_link* own = vm::task_of(L);
    if (own == nullptr) {
        lua_pushnil(L);
        return 1;
    }
    push_reference(L).pool = &static_cast<task*>(own)->pool;
    return 1;
}

// Zero, or an errno.
int make_pool(owned_pools& in, pool_reference& into, std::size_t size) noexcept {
    threadpool::task_pool* pool = threadpool::task_pool::make(loop::leave_thread);
    if (pool == nullptr) {
        return ENOMEM;
    }
    if (const int failed = pool->resize(size, true); failed != 0) {
        pool->close();
        return failed;
    }
    in.list.push_back(*pool);
    into = {pool, true};
    return 0;
}

int threads_create(lua_State* L) {
    static_cast<void>(vm::scheduler_unless_forked(L));
    if (lua_gettop(L) == 0) {
        return refer_to_own_pool(L);
    }
    const lua_Integer size = luaL_checkinteger(L, 1);
    owned_pools& owned = ensure_owned(L);
    pool_reference& made = push_reference(L);
    if (const int failed =
            make_pool(owned, made, size > 0 ? static_cast<std::size_t>(size) : 0);
        failed != 0) {
        return vm::fail(L, failed);
    }
    return 1;
}

int threads_close(lua_State* L) {
    pool_reference& closing = check_pool(L);
    threadpool::task_pool* pool = std::exchange(closing.pool, nullptr);
    if (closing.owns) {
        pool->unlink();
        pool->close();
    }
    lua_pushboolean(L, 1);
    return 1;
}

int threads_resize(lua_State* L) {
    pool_reference& of = check_pool(L);
    const lua_Integer size = luaL_checkinteger(L, 2);
    luaL_argcheck(L, size >= 0, 2, "size cannot be negative");
    const bool now = lua_toboolean(L, 3) != 0;
    return vm::succeed_or_fail(L, of.pool->resize(static_cast<std::size_t>(size), now));
}

// --- counting -------------------------------------------------------------------------------

std::size_t count_of(lua_State* L, const threadpool::task_counts& counts, char option) {
    switch (option) {
    case 'n':
        return counts.running + counts.pending + counts.suspended;
    case 'r':
        return counts.running;
    case 'p':
        return counts.pending;
    case 's':
        return counts.suspended;
    case 'e':
        return counts.expected;
    case 'a':
        return counts.actual;
    default:
        luaL_error(L, "bad option (got '%c')", option);
        __builtin_unreachable();
    }
}

int threads_count(lua_State* L) {
    const pool_reference& of = check_pool(L);
    const char* options = luaL_checkstring(L, 2);
    const threadpool::task_counts counts = of.pool->counts();
    int count = 0;
    for (; *options != '\0'; ++options, ++count) {
        luaL_checkstack(L, 1, "too many options");
        lua_pushinteger(L, static_cast<lua_Integer>(count_of(L, counts, *options)));
    }
    return count;
}

// --- tasks ----------------------------------------------------------------------------------

int forget_new_task(lua_State* L) {
    auto& of = *static_cast<new_task*>(lua_touserdata(L, 1));
    if (task* made = std::exchange(of.made, nullptr); made != nullptr) {
        made->end();
    }
    of.values.clear();
    return 0;
}

// Makes a task without a chunk, of the pool at index 1. Its userdata is put at index 2, below
// the arguments.
new_task& insert_new_task(lua_State* L) {
    auto* block = new (lua_newuserdatauv(L, sizeof(new_task), 0)) new_task;
    vm::set_class(L, vm::class_id::new_task);
    lua_insert(L, 2);
    vm::independent_state* state = vm::new_state(L);
    if (state == nullptr) {
        vm::raise_no_memory(L);
    }
    // Finalizers may have closed it meanwhile.
    threadpool::task_pool* in = static_cast<pool_reference*>(lua_touserdata(L, 1))->pool;
    block->made = in != nullptr ? new (std::nothrow) task{*in, *state} : nullptr;
    if (block->made == nullptr) {
        delete state;
        luaL_argcheck(L, in != nullptr, 1, "closed threads");
        vm::raise_no_memory(L);
    }
    return *block;
}

// Why there is no chunk.
int refuse_chunk(lua_State* L, new_task& of) {
    lua_State* main = of.made->state->main();
    lua_pushboolean(L, 0);
    if (!vm::pack(main, lua_gettop(main), of.values).done()) {
        lua_pushliteral(L, "not enough memory");
        return 2;
    }
    return 1 + vm::unpack(L, of.values);
}

// Hands the task to its pool, with the values from index `first` on, which as arguments had
// numbers from `number` on.
int submit(lua_State* L, new_task& of, int first, int number) {
    const vm::packing arguments = vm::pack(L, first, of.values);
    if (!arguments.done()) {
        lua_pushboolean(L, 0);
        vm::push_refusal(L, arguments, "argument", number - 1);
        return 2;
    }
    if (!of.made->prepare(of.values)) {
        return vm::fail_text(L, "not enough memory");
    }
    of.values.clear();
    if (const int failed = of.made->pool.submit(*of.made); failed != 0) {
        return vm::fail(L, failed);
    }
    of.made = nullptr;
    lua_pushboolean(L, 1);
    return 1;
}

int threads_dostring(lua_State* L) {
    constexpr int number = 5; // of the first argument for the chunk
    static_cast<void>(check_pool(L));
    const vm::scheduler& on = vm::scheduler_of(L);
    const std::string_view text = vm::check_input(L, 2, on).bytes;
    const char* name = luaL_optstring(L, 3, nullptr);
    const char* mode = luaL_optstring(L, 4, nullptr);
    if (lua_gettop(L) < number - 1) {
        lua_settop(L, number - 1);
    }
    // The name of a chunk that has none is its text, which stays meanwhile.
    if (name == nullptr && lua_isstring(L, 2) == 0) {
        name = lua_pushlstring(L, text.data(), text.size());
    } else {
        lua_pushnil(L);
        name = name != nullptr ? name : text.data();
    }
    lua_insert(L, 2);
    new_task& made = insert_new_task(L);
    constexpr int inserted = 2;
    // Looked up again: finalizers may have run and moved the bytes of a memory.
    const std::string_view chunk = vm::check_input(L, 2 + inserted, on).bytes;
    if (!made.made->state->load(chunk, name, mode)) {
        return refuse_chunk(L, made);
    }
    return submit(L, made, number + inserted, number);
}

int threads_dofile(lua_State* L) {
    constexpr int number = 4; // of the first argument for the chunk
    static_cast<void>(check_pool(L));
    const char* path = luaL_optstring(L, 2, nullptr);
    const char* mode = luaL_optstring(L, 3, nullptr);
    if (lua_gettop(L) < number - 1) {
        lua_settop(L, number - 1);
    }
    new_task& made = insert_new_task(L);
    constexpr int inserted = 1;
    if (!made.made->state->load_file(path, mode)) {
        return refuse_chunk(L, made);
    }
    return submit(L, made, number + inserted, number);
}

constexpr luaL_Reg functions[] = {
    {"close", threads_close},   {"count", threads_count},       {"create", threads_create},
    {"dofile", threads_dofile}, {"dostring", threads_dostring}, {"resize", threads_resize},
    {nullptr, nullptr},
};

// No __gc: a pool goes on when its references are gone.
constexpr luaL_Reg metamethods[] = {
    {"__close", threads_close},
    {nullptr, nullptr},
};

constexpr luaL_Reg new_task_metamethods[] = {
    {"__gc", forget_new_task},
    {nullptr, nullptr},
};

void make_new_task(lua_State* L, vm::scheduler& on) {
    vm::make_class(L, on, vm::class_id::new_task, "coutil:task", new_task_metamethods, nullptr);
}

constexpr vm::class_module module{vm::class_id::thread_pool, class_name, metamethods, functions,
                                  make_new_task};

} // namespace

void close_pools(lua_State* L) noexcept {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &owned_key) == LUA_TUSERDATA) {
        const vm::scheduler* on = vm::scheduler_if_any(L);
        close_all(*static_cast<owned_pools*>(lua_touserdata(L, -1)),
                  on != nullptr && on->forked());
    }
    lua_pop(L, 1);
}

} // namespace coring::lua

extern "C" __attribute__((visibility("default"))) int luaopen_coutil_threads(lua_State* L);

extern "C" int luaopen_coutil_threads(lua_State* L) {
    return coring::lua::vm::open_module(L, coring::lua::module);
}
