// Manual: system.execute. Behaviour 1.3, 1.4, 9.1 to 9.4.
#include "lua/system_process.hpp"

#include "io/signal_names.hpp"
#include "io/wait_child.hpp"
#include "lua/environment.hpp"
#include "lua/process_streams.hpp"
#include "lua/vm/await.hpp"
#include "lua/vm/object.hpp"
#include "lua/vm/reply.hpp"
#include "reactor/child_watch.hpp"

#include <cstdlib>

namespace coring::lua {

namespace {

// --- the end --------------------------------------------------------------------------------

int reply_end(lua_State* L, int end) {
    if (end < 0) {
        return vm::fail(L, -end);
    }
    if (end < reactor::killed_by) {
        lua_pushliteral(L, "exit");
    } else {
        end -= reactor::killed_by;
        const char* name = io::signal_name(end);
        lua_pushstring(L, name != nullptr ? name : "signal");
    }
    lua_pushinteger(L, end);
    return 2;
}

// The command stays on the stack, and with it what it refers to.
constexpr int await_arguments = 1;

int execute_k(lua_State* L, int, lua_KContext context) {
    constexpr int base = await_arguments + 1;
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int end = here.done->result;
    vm::take_results(*here.on, *here.done);
    return reply_end(L, end);
}

// Requires room for one more wait.
int await_child(lua_State* L, vm::scheduler& on, io::child& started) {
    op::operation& waiting = vm::new_operation(L, on, io::wait_child_type);
    io::wait_child_start(started, waiting);
    return vm::suspend(L, on, waiting, await_arguments, execute_k);
}

// --- a command in words ---------------------------------------------------------------------

// Pushes a block for so many words and the null behind them.
const char** push_word_list(lua_State* L, std::size_t count) {
    return static_cast<const char**>(
        lua_newuserdatauv(L, (count + 1) * sizeof(const char*), 0));
}

char* const* as_arguments(const char** words) noexcept {
    return const_cast<char* const*>(words); // NOLINT: as execve(2) wants it; not written to
}

int execute_words(lua_State* L) {
    const int count = lua_gettop(L);
    for (int arg = 1; arg <= count; ++arg) {
        luaL_checkstring(L, arg);
    }
    const char** words = push_word_list(L, static_cast<std::size_t>(count));
    for (int arg = 1; arg <= count; ++arg) {
        words[arg - 1] = lua_tostring(L, arg);
    }
    words[count] = nullptr;
    io::spawn_request wanted{
        .file = words[0],
        .arguments = as_arguments(words),
        .environment = push_process_environment(L),
    };
    // Anew: what was pushed may have run finalizers, and they may have taken the room.
    vm::scheduler& on = vm::scheduler_with_room(L);
    auto started = io::child_start(on.on(), wanted);
    return started ? await_child(L, on, *started.value()) : vm::fail(L, started.error());
}

// --- a command in a table -------------------------------------------------------------------

// What was found in the fields, on the stack above the table. The environment's place is that
// of the argument which errors about it speak of.
enum place : int {
    command = 1,
    execfile_place,
    environment_place,
    runpath_place,
    stream_places, // of stdin; those of the others follow
    words_place = stream_places + static_cast<int>(standard_count),
    list_place, // of the words
    pid_setter_place,
    last_place = pid_setter_place,
};

const char* read_text_field(lua_State* L, const char* field, int place) {
    lua_getfield(L, command, field);
    lua_replace(L, place);
    return lua_tostring(L, place);
}

[[noreturn]] void raise_no_string(lua_State* L, const char* field) {
    luaL_error(L, "bad field %s (must be a string)", field);
    std::abort(); // luaL_error does not return
}

const char* check_execfile(lua_State* L) {
    const char* text = read_text_field(L, "execfile", execfile_place);
    if (text == nullptr) {
        raise_no_string(L, "execfile");
    }
    return text;
}

const char* check_runpath(lua_State* L) {
    const char* text = read_text_field(L, "runpath", runpath_place);
    if (text == nullptr && !lua_isnil(L, runpath_place)) {
        raise_no_string(L, "runpath");
    }
    return text;
}

// Collects the words in a list of our own at `list_place`: reading the program's table may run
// the program. Returns how many there are.
std::size_t check_words(lua_State* L) {
    lua_newtable(L);
    lua_replace(L, list_place);
    lua_pushvalue(L, execfile_place);
    lua_rawseti(L, list_place, 1);
    lua_getfield(L, command, "arguments");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return 1;
    }
    luaL_argcheck(L, lua_istable(L, -1), 1, "field 'arguments' must be a table");
    const lua_Integer count = luaL_len(L, -1);
    for (lua_Integer at = 1; at <= count; ++at) {
        lua_geti(L, -1, at);
        if (lua_isstring(L, -1) == 0) {
            luaL_error(L, "bad value #%I in field 'arguments' (must be a string)",
                       static_cast<LUAI_UACINT>(at));
        }
        lua_tostring(L, -1);
        lua_rawseti(L, list_place, at + 1);
    }
    lua_pop(L, 1);
    return count > 0 ? static_cast<std::size_t>(count) + 1 : 1;
}

const char** make_word_list(lua_State* L, std::size_t count) {
    const char** words = push_word_list(L, count);
    lua_replace(L, words_place);
    for (std::size_t at = 0; at < count; ++at) {
        lua_rawgeti(L, list_place, static_cast<lua_Integer>(at) + 1);
        words[at] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    words[count] = nullptr;
    return words;
}

char* const* check_environment(lua_State* L, const vm::scheduler& on) {
    lua_getfield(L, command, "environment");
    lua_replace(L, environment_place);
    if (lua_isnil(L, environment_place)) {
        char* const* all = push_process_environment(L);
        lua_replace(L, environment_place);
        return all;
    }
    if (lua_istable(L, environment_place)) {
        push_packed(L, environment_place);
        lua_replace(L, environment_place);
    }
    return check_packed(L, environment_place, on);
}

// Called with the table and the number. When it returns there is room again for the wait, which
// setting the field may have cost: it may run the program.
int set_pid(lua_State* L) {
    lua_setfield(L, 1, "pid");
    static_cast<void>(vm::scheduler_with_room(L));
    return 0;
}

// Made beforehand, since once there is a child nothing may go wrong on the way to it.
void push_pid_setter(lua_State* L) {
    for (int at = 1; at <= vm::upvalue_count; ++at) {
        lua_pushvalue(L, lua_upvalueindex(at));
    }
    lua_pushcclosure(L, set_pid, vm::upvalue_count);
}

// Where streams and child meet; no Lua in between.
base::result<io::child*> start_with_streams(loop::loop& on,
                                            io::spawn_request& wanted,
                                            const stream_choices& chosen) noexcept {
    stream_ends ends;
    if (const int failed = ends.open(chosen); failed != 0) {
        return base::failure{failed};
    }
    wanted.standard = ends.of_child();
    auto started = io::child_start(on, wanted);
    if (started) {
        ends.connect(chosen);
    }
    return started;
}

int execute_table(lua_State* L, vm::scheduler& on) {
    static constexpr std::array<const char*, standard_count> stream_fields{"stdin", "stdout",
                                                                           "stderr"};
    luaL_checkstack(L, LUA_MINSTACK, nullptr);
    lua_settop(L, 1);
    lua_settop(L, last_place);
    io::spawn_request wanted;
    wanted.file = check_execfile(L);
    wanted.directory = check_runpath(L);
    stream_choices chosen;
    for (std::size_t at = 0; at < standard_count; ++at) {
        const int place = stream_places + static_cast<int>(at);
        chosen[at] = check_stream_field(L, on, stream_fields[at], place);
    }
    wanted.arguments = as_arguments(make_word_list(L, check_words(L)));
    wanted.environment = check_environment(L, on);
    push_pid_setter(L);
    lua_replace(L, pid_setter_place);
    auto started = start_with_streams(on.on(), wanted, chosen);
    if (!started) {
        return vm::fail(L, started.error());
    }
    lua_pushvalue(L, pid_setter_place);
    lua_pushvalue(L, command);
    lua_pushinteger(L, io::child_pid(*started.value()));
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        io::child_abandon(*started.value());
        return lua_error(L);
    }
    return await_child(L, on, *started.value());
}

int system_execute(lua_State* L) {
    vm::scheduler& on = vm::scheduler_with_room(L);
    vm::check_yieldable(L);
    if (lua_istable(L, 1)) {
        return execute_table(L, on);
    }
    luaL_argcheck(L, lua_isstring(L, 1), 1, "table or string expected");
    return execute_words(L);
}

} // namespace

const luaL_Reg process_functions[] = {
    {"execute", system_execute},
    {nullptr, nullptr},
};

} // namespace coring::lua
