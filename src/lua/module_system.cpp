// The module coutil.system: gathers the functions of all files that implement a part of it.
// Manual: System Features.
#include "lua/addresses.hpp"
#include "lua/environment.hpp"
#include "lua/file.hpp"
#include "lua/socket.hpp"
#include "lua/system_address.hpp"
#include "lua/system_awaitch.hpp"
#include "lua/system_cpuinfo.hpp"
#include "lua/system_directory.hpp"
#include "lua/system_environ.hpp"
#include "lua/system_netinfo.hpp"
#include "lua/system_paths.hpp"
#include "lua/system_priority.hpp"
#include "lua/system_process.hpp"
#include "lua/system_procinfo.hpp"
#include "lua/system_random.hpp"
#include "lua/system_resolve.hpp"
#include "lua/system_resume.hpp"
#include "lua/system_run.hpp"
#include "lua/system_signal.hpp"
#include "lua/system_stdio.hpp"
#include "lua/system_time.hpp"
#include "lua/terminal.hpp"
#include "lua/vm/object.hpp"

namespace {

using namespace coring::lua;

// One a line, so that whoever adds a part adds a line.
// clang-format off
const luaL_Reg* const all_functions[] = {
    access_functions,
    address_functions,
    awaitch_functions,
    copyfile_functions,
    cpuinfo_functions,
    directory_functions,
    environ_functions,
    file_functions,
    file_info_functions,
    listdir_functions,
    maketemp_functions,
    netinfo_functions,
    path_functions,
    priority_functions,
    process_functions,
    procinfo_functions,
    random_functions,
    resolve_functions,
    resume_functions,
    run_functions,
    signal_functions,
    socket_functions,
    time_functions,
};

// clang-format on

void make_classes(lua_State* L, vm::scheduler& on) {
    if (on.class_of(vm::class_id::address) != nullptr) {
        return; // the module is loaded once more in this state
    }
    make_address_class(L, on);
    make_address_list_class(L, on);
    make_socket_classes(L, on);
    make_environment_class(L, on);
    make_cpu_class(L, on);
    make_interfaces_class(L, on);
    make_file_class(L, on);
    make_directory_list_class(L, on);
    make_terminal_class(L, on);
}

} // namespace

extern "C" __attribute__((visibility("default"))) int luaopen_coutil_system(lua_State* L);

// Called in any state, from any thread, any number of times: the state's scheduler is made
// once.
extern "C" int luaopen_coutil_system(lua_State* L) {
    lua_newtable(L);
    const int module = lua_gettop(L);
    vm::push_upvalues(L);
    make_classes(L, *static_cast<vm::scheduler_block*>(lua_touserdata(L, module + 1))->alive);
    for (const luaL_Reg* functions : all_functions) {
        vm::add_functions(L, module, functions);
    }
    push_file_bits(L);
    lua_setfield(L, module, "filebits");
    lua_settop(L, module + vm::upvalue_count);
    lua_pushcclosure(L, add_standard_streams, vm::upvalue_count);
    lua_pushvalue(L, module);
    lua_call(L, 1, 0);
    lua_settop(L, module);
    return 1;
}
