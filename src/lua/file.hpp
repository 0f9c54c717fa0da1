// Manual: File System, files: what the functions on them share.
#pragma once

#include "io/file.hpp"
#include "lua/vm/object.hpp"

namespace coring::lua {

extern const luaL_Reg file_functions[];

// Makes the class of files. Requires the upvalues on top of the stack; they stay there.
void make_file_class(lua_State* L, vm::scheduler& on);

inline constexpr const char* file_name = "coutil:file";

// The block of a file's userdata. A closed object has no file, though the file may live on.
struct file_block {
    io::file* open;
};

// Argument `arg`, an open file. Raises for another class, and "closed file".
[[nodiscard]] inline io::file& check_file(lua_State* L, int arg, const vm::scheduler& on) {
    const auto& block =
        *static_cast<file_block*>(vm::check_object(L, arg, on, vm::class_id::file, file_name));
    luaL_argcheck(L, block.open != nullptr, arg, "closed file");
    return *block.open;
}

// Pushes a new file object, and returns its file: it has no descriptor yet. Whoever opens one
// gives it to the file with io::adopt(), which cannot fail; until then the program must not get
// hold of the object.
[[nodiscard]] io::file& push_file(lua_State* L, vm::scheduler& on);

// Methods of other files of this folder.
int file_read(lua_State* L);
int file_write(lua_State* L);
int file_touch(lua_State* L);
int file_own(lua_State* L);
int file_grant(lua_State* L);
int file_info(lua_State* L);

} // namespace coring::lua
