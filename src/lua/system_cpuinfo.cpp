// Manual: system.cpuinfo. Behaviour 13.2, and 6.5 for the iterator.
#include "lua/system_cpuinfo.hpp"

#include "io/cpu_info.hpp"
#include "lua/vm/iterator.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

namespace {

struct cpu_kind {
    using entry = io::cpu_facts;
    static constexpr vm::class_id id = vm::class_id::cpu_stats;
    static constexpr const char* name = "coutil:cpustats";
    static constexpr const char* closed_text = "closed coutil:cpustats";

    static bool push(lua_State* L, const io::cpu_facts& cpu, char which) {
        switch (which) {
        case 'm':
            lua_pushstring(L, cpu.model.data());
            return true;
        case 'c':
            lua_pushinteger(L, cpu.clock_mhz);
            return true;
        case 'u':
            lua_pushinteger(L, cpu.user_ms);
            return true;
        case 'n':
            lua_pushinteger(L, cpu.nice_ms);
            return true;
        case 's':
            lua_pushinteger(L, cpu.system_ms);
            return true;
        case 'd':
            lua_pushinteger(L, cpu.interrupt_ms);
            return true;
        case 'i':
            lua_pushinteger(L, cpu.idle_ms);
            return true;
        default:
            return false;
        }
    }
};

using cpu_iterator = vm::snapshot_iterator<cpu_kind>;

// Zero or an errno.
int take_snapshot(cpu_iterator::block& into) noexcept {
    auto listed = io::list_cpus();
    if (!listed) {
        return listed.error();
    }
    into.entries = std::move(listed.value());
    return 0;
}

int system_cpuinfo(lua_State* L) {
    lua_settop(L, 1);
    if (const int failed = take_snapshot(cpu_iterator::push(L)); failed != 0) {
        return vm::raise(L, failed);
    }
    return cpu_iterator::return_loop(L, 1);
}

} // namespace

const luaL_Reg cpuinfo_functions[] = {
    {"cpuinfo", system_cpuinfo},
    {nullptr, nullptr},
};

void make_cpu_class(lua_State* L, vm::scheduler& on) {
    cpu_iterator::make_class(L, on);
}

} // namespace coring::lua
