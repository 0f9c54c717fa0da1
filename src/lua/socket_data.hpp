// What the writes of all kinds of sockets share.
#pragma once

#include "io/send.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/memory.hpp"
#include "lua/vm/reply.hpp"

#include <cerrno>

namespace coring::lua {

// Who keeps the bytes of an argument while they are on their way.
constexpr io::source source_of(vm::bytes_kind kind) noexcept {
    switch (kind) {
    case vm::bytes_kind::string:
        return io::source::stays;
    case vm::bytes_kind::fixed_memory:
        return io::source::changes;
    case vm::bytes_kind::resizable_memory:
        return io::source::moves;
    }
    return io::source::moves;
}

// Whether a write has to know when its coroutine is closed, which keeps the bytes for it.
enum class caring : std::uint8_t { no, yes };

// Yields in a write that keeps the socket and the data on the stack; one that could not be
// started answers its failure instead, or raises for want of memory.
inline int suspend_in_write(lua_State* L,
                            vm::scheduler& on,
                            op::operation& write,
                            int failed,
                            lua_KFunction k,
                            caring for_bytes) {
    constexpr int arguments = 2;
    if (failed == 0) {
        return for_bytes == caring::yes ? vm::suspend(L, on, write, arguments, k)
                                        : vm::suspend_unguarded(L, on, write, arguments, k);
    }
    vm::give_back(L, on, write);
    return failed == ENOMEM ? luaL_error(L, "not enough memory") : vm::fail(L, failed);
}

} // namespace coring::lua
