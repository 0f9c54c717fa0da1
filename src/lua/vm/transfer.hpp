// Transferable values between states, in two steps: values of one state are packed into a
// message, which is unpacked in the other state later, perhaps in another thread. A failure of
// either step leaves the state it happens in as before. Manual: Transferable Values.
#pragma once

#include "base/message.hpp"

#include <cstdint>

#include <lua.hpp>

namespace coring::lua::vm {

enum class packing_end : std::uint8_t { done, not_transferable, memory_short };

// How a packing ended. `place` is that of the first value that cannot be transferred, counted
// from 1, and `type` the name of its type, which lives as long as the program.
struct packing {
    packing_end end;
    int place;
    const char* type;

    [[nodiscard]] bool done() const noexcept { return end == packing_end::done; }
};

// Packs the values of the stack from index `first` to the top. They stay where they are. Calls
// nothing of Lua that allocates or raises. Unless it is done, the message is empty.
[[nodiscard]] packing pack(lua_State* from, int first, base::message& into) noexcept;

// Pushes the values and returns their number. May raise, for want of memory or stack.
int unpack(lua_State* to, const base::message& from);

// The same where nothing protects: pushes the values onto `coroutine`, which may be suspended,
// by way of `to`, the thread of the same state that may call. False, and nothing is pushed,
// when memory is short.
[[nodiscard]] bool
unpack_protected(lua_State* to, lua_State* coroutine, const base::message& from) noexcept;

// Pushes why a packing was not done: "unable to transfer WHAT #PLACE (got TYPE)", with `before`
// added to the place. May raise.
void push_refusal(lua_State* L, const packing& of, const char* what, int before);

} // namespace coring::lua::vm
