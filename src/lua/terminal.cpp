// Manual: terminal:close, terminal:read, terminal:write, terminal:shutdown, terminal:setmode,
// terminal:winsize. Behaviour 8.3.
#include "lua/terminal.hpp"

#include "io/terminal.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

namespace {

constexpr vm::class_id terminal = vm::class_id::terminal;

int terminal_setmode(lua_State* L) {
    static const char* const modes[] = {"normal", "raw", "binary", nullptr};
    const io::stream& of = check_socket<terminal>(L, vm::scheduler_of(L));
    const auto mode = static_cast<io::terminal_mode>(luaL_checkoption(L, 2, "", modes));
    const auto set = io::set_terminal_mode(of.fd, mode);
    return vm::succeed_or_fail(L, set ? 0 : set.error());
}

int terminal_winsize(lua_State* L) {
    const io::stream& of = check_socket<terminal>(L, vm::scheduler_of(L));
    auto found = io::terminal_size(of.fd);
    if (!found) {
        return vm::fail(L, found.error());
    }
    lua_pushinteger(L, found.value().columns);
    lua_pushinteger(L, found.value().rows);
    return 2;
}

using common = common_methods<terminal>;
using stream = stream_methods<terminal>;

const luaL_Reg metamethods[] = {
    {"__gc", common::collect},
    {"__close", common::tobeclosed},
    {nullptr, nullptr},
};

const luaL_Reg methods[] = {
    {"close", common::close},
    {"read", stream::read},
    {"setmode", terminal_setmode},
    {"shutdown", stream::shutdown},
    {"winsize", terminal_winsize},
    {"write", stream::write},
    {nullptr, nullptr},
};

} // namespace

void make_terminal_class(lua_State* L, vm::scheduler& on) {
    vm::make_class(L, on, terminal, socket_class_name(terminal), metamethods, methods);
}

} // namespace coring::lua
