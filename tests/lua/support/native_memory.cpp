// Memory, coroutines as hosts handle them, and an allocator that fails on demand.
#include "native.hpp"

#include <atomic>
#include <cstddef>

#include <dlfcn.h>
#include <sys/mman.h>

namespace {

// --- memory ---------------------------------------------------------------------------------

// As lua-memory lays a referenced memory out (behaviour 16.2).
struct memory_reference {
    char* bytes;
    std::size_t size;
    void (*unref)(lua_State* L, void* bytes, std::size_t size);
};

void unmap(lua_State*, void* bytes, std::size_t size) {
    ::munmap(bytes, size);
}

// A memory of this many bytes that takes no room until it is touched. Nil where there is not
// that much of address space.
int native_vast(lua_State* L) {
    const auto size = static_cast<std::size_t>(luaL_checkinteger(L, 1));
    auto* made =
        static_cast<memory_reference*>(lua_newuserdatauv(L, sizeof(memory_reference), 0));
    *made = memory_reference{nullptr, 0, nullptr};
    luaL_setmetatable(L, "luamem_Ref");
    void* bytes = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
        return answer(L, -1);
    }
    *made = memory_reference{static_cast<char*>(bytes), size, unmap};
    return 1;
}

// --- coroutines -----------------------------------------------------------------------------

// What a host may do with a coroutine of its own: ends what it does, and has it call the
// function with the other arguments instead. Returns "yield", "end" or "error".
int native_reuse(lua_State* L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_State* thread = lua_tothread(L, 1);
    const int arguments = lua_gettop(L) - 2;
    lua_resetthread(thread);
    lua_settop(thread, 0);
    luaL_checkstack(thread, arguments + 1, nullptr);
    lua_xmove(L, thread, arguments + 1);
    int results = 0;
    const int status = lua_resume(thread, L, arguments, &results);
    lua_pop(thread, status == LUA_OK || status == LUA_YIELD ? results : 1);
    lua_pushstring(L, status == LUA_YIELD ? "yield" : status == LUA_OK ? "end" : "error");
    return 1;
}

// Yields with the given values still on its stack. Resumed, returns what it is resumed with.
int native_stand(lua_State* L) {
    return lua_yieldk(L, 0, lua_gettop(L), [](lua_State* in, int, lua_KContext given) {
        return lua_gettop(in) - static_cast<int>(given);
    });
}

// --- a failing allocator --------------------------------------------------------------------

struct failing_allocator {
    lua_Alloc real;
    void* real_data;
    std::atomic<lua_Integer>
        until;                 // requests for more memory that still succeed; negative: all
    std::atomic<int> refusals; // how many were refused since it was armed
    bool active;
};

// One state a process is enough here. The states it makes have this allocator for good, and ask
// from other threads; while they do, it waits.
failing_allocator installed{nullptr, nullptr, -1, 0, false};

// Lua collects garbage and asks once more when a request fails: the second one fails too.
void* allocate(void* data, void* block, std::size_t old_size, std::size_t new_size) {
    auto& self = *static_cast<failing_allocator*>(data);
    const bool grows = new_size > 0 && (block == nullptr || new_size > old_size);
    if (grows && self.until >= 0) {
        if (self.until == 0 || self.refusals == 1) {
            self.until = self.refusals == 0 ? 0 : -1;
            ++self.refusals;
            return nullptr;
        }
        --self.until;
    }
    return self.real(self.real_data, block, old_size, new_size);
}

// Where the engine's requests can be refused, it is those and not the state's.
using fail_heap = void (*)(long);
using heap_refusals = int (*)();

template <class Function>
Function of_failing_heap(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_DEFAULT, name));
}

// Whether it is the engine's requests that are refused here.
int native_failsheap(lua_State* L) {
    lua_pushboolean(L, of_failing_heap<fail_heap>("coring_fail_heap") != nullptr ? 1 : 0);
    return 1;
}

// The n-th request for memory from now on will be refused.
int native_failallocation(lua_State* L) {
    if (auto* const refuse = of_failing_heap<fail_heap>("coring_fail_heap")) {
        refuse(static_cast<long>(luaL_checkinteger(L, 1)));
        return 0;
    }
    installed.until = luaL_checkinteger(L, 1) - 1;
    installed.refusals = 0;
    if (installed.real == nullptr) {
        installed.real = lua_getallocf(L, &installed.real_data);
    }
    if (!installed.active) {
        installed.active = true;
        lua_setallocf(L, allocate, &installed);
    }
    return 0;
}

// No more refusals: the state has its own allocator again, as it must when this module is
// unloaded. Returns whether there was one.
int native_allocationfailed(lua_State* L) {
    if (auto* const count = of_failing_heap<heap_refusals>("coring_heap_refusals")) {
        lua_pushboolean(L, count() > 0 ? 1 : 0);
        of_failing_heap<fail_heap>("coring_fail_heap")(0);
        return 1;
    }
    installed.until = -1;
    if (installed.active) {
        lua_setallocf(L, installed.real, installed.real_data);
        installed.active = false;
    }
    lua_pushboolean(L, installed.refusals > 0 ? 1 : 0);
    return 1;
}

} // namespace

const luaL_Reg memory_functions[] = {
    {"vast", native_vast},
    {"reuse", native_reuse},
    {"stand", native_stand},
    {"failsheap", native_failsheap},
    {"failallocation", native_failallocation},
    {"allocationfailed", native_allocationfailed},
    {nullptr, nullptr},
};
