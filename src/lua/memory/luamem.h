// The C functions that memory.so exports (behaviour 16.2, "Binary interface"): for native
// modules that want to create memories or use the bytes of the ones they are given. C and C++
// may include this header. The functions need no call of luaopen_memory, but only that call
// gives memories their methods.
//
// Every function may use three slots of the stack besides what it pushes.
//
// A pointer to the bytes of a memory is good until Lua runs again: a program may resize or
// close a referenced memory in any finalizer.
#ifndef CORING_LUA_MEMORY_LUAMEM_H
#define CORING_LUA_MEMORY_LUAMEM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#include <lauxlib.h>
#include <lua.h>

#define LUAMEM_API extern __attribute__((visibility("default")))

// Names of the metatables in the registry.
#define LUAMEM_ALLOC "char[]"
#define LUAMEM_REF "luamem_Ref"

// What luamem_type tells of a value: not a memory; its bytes are in the userdata; its bytes are
// elsewhere.
#define LUAMEM_TNONE 0
#define LUAMEM_TALLOC 1
#define LUAMEM_TREF 2

// Releases the bytes of a reference.
typedef void (*luamem_Unref)(lua_State* L, void* mem, size_t len);

// Pushes a fixed memory of `len` bytes, whose contents are not initialised, and returns them.
LUAMEM_API char* luamem_newalloc(lua_State* L, size_t len);

// Pushes a reference that refers to nothing.
LUAMEM_API void luamem_newref(lua_State* L);

// Lets the reference at `idx` refer to `len` bytes at `mem`, to be released with `unref` unless
// it is NULL. With a non-zero `cleanup` the bytes referred to so far are released if their
// address is another one. Returns 0, and does nothing, when the value is no reference.
LUAMEM_API int
luamem_resetref(lua_State* L, int idx, char* mem, size_t len, luamem_Unref unref, int cleanup);
#define luamem_setref(L, idx, mem, len, unref) luamem_resetref(L, idx, mem, len, unref, 1)

// One of LUAMEM_TNONE, LUAMEM_TALLOC and LUAMEM_TREF.
LUAMEM_API int luamem_type(lua_State* L, int idx);
#define luamem_ismemory(L, idx) (luamem_type(L, idx) != LUAMEM_TNONE)

// The bytes of the memory at `idx`, or NULL when it is none. An empty reference gives NULL too;
// the type tells them apart. Every pointer may be NULL.
LUAMEM_API char*
luamem_tomemoryx(lua_State* L, int idx, size_t* len, luamem_Unref* unref, int* type);
#define luamem_tomemory(L, idx, len) luamem_tomemoryx(L, idx, len, NULL, NULL)

// The bytes of the memory given as argument `arg`, or raises "memory expected".
LUAMEM_API char* luamem_checkmemory(lua_State* L, int arg, size_t* len);

// Arrays are strings and memories; numbers count as strings and are converted where they stand.
//
// isarray: whether the value is one.
// toarray: its bytes, or NULL (with length 0) when it is none.
// asarray: its bytes; any other value is first replaced by the string luaL_tolstring makes of
// it. checkarray: the bytes of argument `arg`, or raises "string or memory expected". optarray:
// as checkarray, but `def`, a C string or NULL, when the argument is absent or nil. `len` may
// be NULL.
LUAMEM_API int luamem_isarray(lua_State* L, int idx);
LUAMEM_API const char* luamem_toarray(lua_State* L, int idx, size_t* len);
LUAMEM_API const char* luamem_asarray(lua_State* L, int idx, size_t* len);
LUAMEM_API const char* luamem_checkarray(lua_State* L, int arg, size_t* len);
LUAMEM_API const char* luamem_optarray(lua_State* L, int arg, const char* def, size_t* len);

// Resizes a block through the allocator of the state; `mem` is NULL when there is none yet.
// Returns NULL when that fails, and when `newlen` is 0, which releases the block.
LUAMEM_API void* luamem_realloc(lua_State* L, void* mem, size_t len, size_t newlen);

// Releases a block that luamem_realloc made. A reference with this function as its `unref` is
// what the Lua module calls resizable.
LUAMEM_API void luamem_free(lua_State* L, void* mem, size_t len);

// A size given as argument `arg`, or raises "invalid size".
LUAMEM_API size_t luamem_checklenarg(lua_State* L, int arg);

// Pops a string, number or memory and appends its bytes to the buffer.
LUAMEM_API void luamem_addvalue(luaL_Buffer* B);

// Pushes the module `memory`.
LUAMEM_API int luaopen_memory(lua_State* L);

#ifdef __cplusplus
}
#endif

#endif
