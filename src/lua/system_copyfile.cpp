// Manual: system.copyfile. Behaviour 12.1, 12.8.
#include "io/copy_file.hpp"
#include "lua/path_call.hpp"
#include "lua/path_mode.hpp"
#include "lua/system_paths.hpp"

namespace coring::lua {

namespace {

io::cloning cloning_of(const char* mode) noexcept {
    if (holds(mode, 'C')) {
        return io::cloning::required;
    }
    return holds(mode, 'c') ? io::cloning::tried : io::cloning::never;
}

int system_copyfile(lua_State* L) {
    const char* mode = check_mode(L, 3, "~ncC", "bad argument #3, ");
    const bool blocking = check_blocking(L, mode);
    const char* path = luaL_checkstring(L, 1);
    const char* destiny = luaL_checkstring(L, 2);
    return path_call(
        L, blocking,
        io::copy_file_call{{path, destiny},
                           cloning_of(mode),
                           holds(mode, 'n') ? io::existing::refused : io::existing::replaced});
}

} // namespace

const luaL_Reg copyfile_functions[] = {
    {"copyfile", system_copyfile},
    {nullptr, nullptr},
};

} // namespace coring::lua
