// Manual: system.copyfile. Behaviour 12.1, 12.8.
#include "io/copy_file.hpp"
#include "lua/path_call.hpp"
#include "lua/system_paths.hpp"

namespace coring::lua {

namespace {

constexpr const char* letters = "~ncC";

enum letter : std::uint32_t {
    blocking_letter = 1U << 0,
    exclusive_letter = 1U << 1,
    clone_letter = 1U << 2,
    only_clone_letter = 1U << 3,
};

io::cloning cloning_of(std::uint32_t mode) noexcept {
    if ((mode & only_clone_letter) != 0) {
        return io::cloning::required;
    }
    return (mode & clone_letter) != 0 ? io::cloning::tried : io::cloning::never;
}

int system_copyfile(lua_State* L) {
    const std::uint32_t mode = vm::check_mode(L, 3, letters, 3);
    const bool blocking = check_caller(L, (mode & blocking_letter) != 0);
    const char* path = luaL_checkstring(L, 1);
    const char* destiny = luaL_checkstring(L, 2);
    return path_call(L, blocking,
                     io::copy_file_call{{path, destiny},
                                        cloning_of(mode),
                                        (mode & exclusive_letter) != 0
                                            ? io::existing::refused
                                            : io::existing::replaced});
}

} // namespace

const luaL_Reg copyfile_functions[] = {
    {"copyfile", system_copyfile},
    {nullptr, nullptr},
};

} // namespace coring::lua
