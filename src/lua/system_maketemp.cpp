// Manual: system.maketemp. Behaviour 12.1, 12.8, D7.
#include "lua/system_paths.hpp"

namespace coring::lua {

const luaL_Reg maketemp_functions[] = {
    {nullptr, nullptr},
};

} // namespace coring::lua
