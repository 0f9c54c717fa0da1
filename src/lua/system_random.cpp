// Manual: system.random. Behaviour 1.7 (order of checks), 5, 13.3, D5.
#include "lua/system_random.hpp"

#include "io/random.hpp"
#include "lua/vm/call.hpp"
#include "lua/vm/memory.hpp"
#include "lua/vm/mode.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>
#include <new>

namespace coring::lua {

namespace {

constexpr threadpool::lane_kind lane = threadpool::lane_kind::files;

// What an await keeps: the buffer, and the first and last position to fill as they were at the
// call. A memory that is resized meanwhile is filled as far as it still has them.
constexpr int kept_arguments = 3;

int return_buffer(lua_State* L) {
    lua_settop(L, 1);
    return 1;
}

void keep_arguments(lua_State* L, const char* whole, std::span<const char> range) {
    const auto offset = range.empty() ? 0 : static_cast<lua_Integer>(range.data() - whole);
    lua_settop(L, 1);
    lua_pushinteger(L, offset + 1);
    lua_pushinteger(L, offset + static_cast<lua_Integer>(range.size()));
}

std::span<char> landing_place(lua_State* L, const vm::scheduler& on) {
    return vm::range_now(L, 2, vm::memory_now(L, 1, on));
}

int reply(lua_State* L, int failed) {
    return failed == 0 ? return_buffer(L) : vm::fail(L, failed);
}

// A few bytes are made here and now, into the memory as it is now.
int random_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = kept_arguments + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int failed = io::fill_random(landing_place(L, *here.on));
    vm::take_results(*here.on, *here.done);
    return reply(L, failed);
}

// A worker has made one piece.
int random_piece_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = kept_arguments + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    int failed = -here.done->result;
    auto& call = vm::job_of<io::random_call>(*here.done);
    if (failed == 0 && !call.take(landing_place(L, *here.on))) {
        failed = io::call_again(*here.done, lane, call);
        if (failed == 0) {
            return vm::suspend_again(L, *here.on, *here.done, base, random_piece_k);
        }
    }
    vm::take_results(*here.on, *here.done);
    return reply(L, failed);
}

int await_random(lua_State* L, vm::scheduler& on, std::size_t size) {
    const bool quick = size == 0 || (size <= io::quick_random_size && io::random_is_ready());
    if (quick) {
        op::operation& making = vm::new_operation(L, on, io::random_type);
        io::random_start(on.on(), making);
        return vm::suspend(L, on, making, kept_arguments, random_k);
    }
    auto* call = new (std::nothrow) io::random_call{on.on(), size};
    if (call == nullptr) {
        return vm::fail(L, ENOMEM);
    }
    return vm::suspend_in_call(L, on, lane, *call, kept_arguments, random_piece_k);
}

int system_random(lua_State* L) {
    const bool blocking = vm::check_blocking_mode(L, 4);
    if (!blocking) {
        vm::check_yieldable(L);
    }
    vm::scheduler& on = blocking ? vm::scheduler_of(L) : vm::scheduler_with_room(L);
    const std::span<char> whole = vm::check_memory(L, 1, on);
    vm::check_range(L, 2);
    const std::span<char> range = vm::range_now(L, 2, whole);
    if (range.size() > io::largest_random_size) {
        return vm::fail(L, E2BIG);
    }
    if (blocking) {
        return reply(L, io::fill_random(range));
    }
    keep_arguments(L, whole.data(), range);
    return await_random(L, on, range.size());
}

} // namespace

const luaL_Reg random_functions[] = {
    {"random", system_random},
    {nullptr, nullptr},
};

} // namespace coring::lua
