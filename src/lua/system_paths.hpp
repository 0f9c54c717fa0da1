// Manual: the functions of File System that are about paths.
#pragma once

#include "lua/vm/scheduler.hpp"

namespace coring::lua {

extern const luaL_Reg path_functions[];      // linkfile, movefile, removefile, makedir
extern const luaL_Reg copyfile_functions[];  // copyfile
extern const luaL_Reg maketemp_functions[];  // maketemp
extern const luaL_Reg listdir_functions[];   // listdir
extern const luaL_Reg access_functions[];    // touchfile, ownfile, grantfile
extern const luaL_Reg file_info_functions[]; // fileinfo

// Makes the class of what listdir returns. Requires the upvalues on top of the stack.
void make_directory_list_class(lua_State* L, vm::scheduler& on);

// Pushes the table system.filebits.
void push_file_bits(lua_State* L);

} // namespace coring::lua
