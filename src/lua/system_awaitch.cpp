// Manual: system.awaitch. Behaviour 1.3 to 1.7, 15.6.
#include "lua/system_awaitch.hpp"

#include "lua/channel.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/reply.hpp"
#include "lua/vm/transfer.hpp"

#include <cerrno>

namespace coring::lua {

namespace {

constexpr int kept_arguments = 1; // the channel
constexpr int awaitch_base = kept_arguments + 1;

int awaitch_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, awaitch_base);
    }
    if (here.done->result == -ECANCELED) {
        vm::take_results(*here.on, *here.done);
        return vm::fail_text(L, "closed");
    }
    lua_pushboolean(L, 1);
    const int count = vm::unpack(L, io::channel_values(*here.done));
    vm::take_results(*here.on, *here.done);
    return 1 + count;
}

// Why no wait can begin on the channel; null: it can.
const char* obstacle(const io::channel& on) noexcept {
    if (on.at == nullptr) {
        return "closed channel";
    }
    return on.waiting != nullptr ? "in use" : nullptr;
}

enum class meeting_end : std::uint8_t { matched, in_line, failed, refused };

struct meeting {
    meeting_end end;
    int pushed;            // if matched
    int code;              // if it failed
    io::channel_wait* own; // if it is in line
};

// Gets a wait into the line unless there is somebody to be matched with. Raises nothing; what
// is not given away stays the caller's.
meeting meet(lua_State* L,
             vm::scheduler& on,
             io::channel& through,
             threadpool::endpoint end,
             threadpool::parcel& mine) noexcept {
    io::channel_wait* own = nullptr;
    meeting result{meeting_end::failed, 0, ENOMEM, nullptr};
    for (;;) {
        const exchange met = exchange_with_waiting(L, on, through, end, mine);
        if (met.end == exchange_end::done) {
            result = {meeting_end::matched, met.pushed, 0, nullptr};
            break;
        }
        if (met.end == exchange_end::no_memory) {
            break;
        }
        if (obstacle(through) != nullptr) { // what a finalizer has done meanwhile
            result.end = meeting_end::refused;
            break;
        }
        if (const auto opened = on.on().open_mailbox(); !opened) {
            result.code = opened.error();
            break;
        }
        if (own == nullptr) {
            own = io::channel_wait_make(on.on(), end, mine);
        }
        if (own == nullptr) {
            break;
        }
        if (io::channel_wait_line_up(through, *own)) {
            return {meeting_end::in_line, 0, 0, own};
        }
    }
    if (own != nullptr) {
        io::channel_wait_discard(*own);
    }
    return result;
}

int system_awaitch(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    vm::check_yieldable(L);
    io::channel& through = check_channel(L, on);
    luaL_argcheck(L, through.waiting == nullptr, 1, "in use");
    const threadpool::endpoint end = check_endpoint(L);
    threadpool::parcel& mine = check_parcel(L);
    const meeting met = meet(L, on, through, end, mine);
    if (met.end == meeting_end::matched) {
        return met.pushed;
    }
    if (met.end == meeting_end::in_line) {
        op::operation& wait = vm::new_operation(L, on, io::await_channel_type);
        io::await_channel_start(through, wait, *met.own);
        return vm::suspend(L, on, wait, kept_arguments, awaitch_k);
    }
    mine.let_go();
    if (met.end == meeting_end::refused) {
        return luaL_argerror(L, 1, obstacle(through));
    }
    return vm::fail(L, met.code);
}

} // namespace

const luaL_Reg awaitch_functions[] = {
    {"awaitch", system_awaitch},
    {nullptr, nullptr},
};

} // namespace coring::lua
