// Manual: system.listdir. Behaviour 12.6. It never fails: it raises.
#include "io/list_dir.hpp"
#include "lua/file_info_fields.hpp"
#include "lua/path_call.hpp"
#include "lua/system_paths.hpp"
#include "lua/vm/object.hpp"

#include <new>
#include <utility>

#include <dirent.h>

namespace coring::lua {

namespace {

constexpr const char* class_name = "coutil:dirlist";

// The iterator: the names, and which comes next.
struct directory_list {
    io::name_list names;
    std::uint32_t next = 0;
    bool open = true;
};

// Pushes an iterator without names, then what a generic for wants besides; returns how many
// values that are. Whatever can raise is done when the names come.
constexpr int list_results = 4;

directory_list& push_list(lua_State* L) {
    auto* list = new (lua_newuserdatauv(L, sizeof(directory_list), 0)) directory_list;
    vm::set_class(L, vm::class_id::directory_list);
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, -3);
    return *list;
}

void close_list(directory_list& list) noexcept {
    list.names.release();
    list.open = false;
}

int list_call(lua_State* L) {
    auto& list = *static_cast<directory_list*>(
        vm::check_object(L, 1, vm::scheduler_of(L), vm::class_id::directory_list, class_name));
    luaL_argcheck(L, list.open, 1, "closed");
    if (list.next == list.names.count) {
        close_list(list);
        return 0;
    }
    lua_pushstring(L, list.names.name_of(list.next));
    lua_pushstring(L, file_type_name(DTTOIF(mode_t{list.names.type_of(list.next)})));
    ++list.next;
    return 2;
}

int list_close(lua_State* L) {
    close_list(*static_cast<directory_list*>(
        vm::check_object(L, 1, vm::scheduler_of(L), vm::class_id::directory_list, class_name)));
    return 0;
}

// Also in a state whose scheduler has ended: then nobody but the collector calls.
int list_collect(lua_State* L) {
    auto* list = static_cast<directory_list*>(lua_touserdata(L, 1));
    const vm::scheduler* on = vm::scheduler_if_any(L);
    const bool ours =
        on == nullptr || vm::test_object(L, 1, *on, vm::class_id::directory_list) != nullptr;
    if (list != nullptr && ours) {
        close_list(*list);
    }
    return 0;
}

int listdir_blocking(lua_State* L, const char* path) {
    directory_list& list = push_list(L);
    io::list_call call{{path}, {}};
    if (const int answer = call.run(); answer < 0) {
        return vm::raise(L, -answer);
    }
    list.names = call.found;
    return list_results;
}

int listdir_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    if (const int answer = here.done->result; answer < 0) {
        vm::take_results(*here.on, *here.done);
        return vm::raise(L, -answer);
    }
    directory_list& list = push_list(L);
    list.names = std::exchange(vm::job_of<io::path_job<io::list_call>>(*here.done).verb.found,
                               io::name_list{});
    vm::take_results(*here.on, *here.done);
    return list_results;
}

// The path is checked before the mode (behaviour 1.7).
int system_listdir(lua_State* L) {
    const char* path = luaL_checkstring(L, 1);
    if (check_caller(L, vm::check_blocking_mode(L, 2))) {
        return listdir_blocking(L, path);
    }
    vm::scheduler& on = vm::scheduler_with_room(L);
    return vm::suspend_in_call_or_raise(L, on, threadpool::lane_kind::files,
                                        make_job(L, on, io::list_call{{path}, {}}), 0,
                                        listdir_k);
}

} // namespace

void make_directory_list_class(lua_State* L, vm::scheduler& on) {
    static const luaL_Reg metamethods[] = {
        {"__call", list_call},
        {"__close", list_close},
        {"__gc", list_collect},
        {nullptr, nullptr},
    };
    vm::make_class(L, on, vm::class_id::directory_list, class_name, metamethods, nullptr);
}

const luaL_Reg listdir_functions[] = {
    {"listdir", system_listdir},
    {nullptr, nullptr},
};

} // namespace coring::lua
