// Channels: the userdata, and the exchange that channel.sync and system.awaitch share.
#pragma once

#include "io/await_channel.hpp"
#include "lua/vm/scheduler.hpp"

#include <lua.hpp>

namespace coring::lua {

// Argument 1, an open channel. Raises for everything else.
[[nodiscard]] io::channel& check_channel(lua_State* L, const vm::scheduler& on);

// Argument 2, or its default. Raises without a position.
[[nodiscard]] threadpool::endpoint check_endpoint(lua_State* L);

// The arguments from the third on; raises for those that cannot be transferred. Who has it lets
// go of it, or gives it away.
[[nodiscard]] threadpool::parcel& check_parcel(lua_State* L);

enum class exchange_end : std::uint8_t {
    done,      // `true` and the other's values were pushed; `mine` was given away
    nobody,    // nobody waits; nothing was called that could have changed that
    disturbed, // as nobody, but programs ran meanwhile, which may have changed everything
    no_memory, // the values have no room; the other waits as before
};

struct exchange {
    exchange_end end;
    int pushed; // how many values
};

// Matches `mine` with whoever waits first at the opposite end. Never raises, but finalizers may
// run: before the match is made.
[[nodiscard]] exchange exchange_with_waiting(lua_State* L,
                                             vm::scheduler& on,
                                             const io::channel& at,
                                             threadpool::endpoint end,
                                             threadpool::parcel& mine) noexcept;

} // namespace coring::lua
