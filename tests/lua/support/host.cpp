// An interpreter as lua5.4 is one: `lua_host script [argument...]`. Built with the sanitizers
// of the modules it loads, which the stock program is not; otherwise the tests use that.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <lua.hpp>

namespace {

lua_State* main_state =
    nullptr; // for the signal handler; also keeps the state reachable at exit

void stop(lua_State* L, lua_Debug*) {
    lua_sethook(L, nullptr, 0, 0);
    luaL_error(L, "interrupted!");
}

// As lua.c does: the next instruction of the main program raises.
void interrupt(int) {
    static_cast<void>(std::signal(SIGINT, SIG_DFL));
    lua_sethook(main_state, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

int add_traceback(lua_State* L) {
    const char* message = luaL_tolstring(L, 1, nullptr);
    luaL_traceback(L, L, message, 1);
    return 1;
}

int push_arguments(lua_State* L, int count, char** arguments) {
    lua_createtable(L, count, 2);
    for (int at = 0; at < count; ++at) {
        lua_pushstring(L, arguments[at]);
        lua_rawseti(L, -2, at - 1);
    }
    lua_setglobal(L, "arg");
    for (int at = 2; at < count; ++at) {
        lua_pushstring(L, arguments[at]);
    }
    return count - 2;
}

int run(lua_State* L, int count, char** arguments) {
    luaL_openlibs(L);
    lua_pushcfunction(L, add_traceback);
    int status = luaL_loadfile(L, arguments[1]);
    if (status == LUA_OK) {
        const int given = push_arguments(L, count, arguments);
        static_cast<void>(std::signal(SIGINT, interrupt));
        status = lua_pcall(L, given, 0, 1);
        static_cast<void>(std::signal(SIGINT, SIG_DFL));
    }
    if (status != LUA_OK) {
        static_cast<void>(std::fprintf(stderr, "lua_host: %s\n", lua_tostring(L, -1)));
    }
    return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main(int count, char** arguments) {
    if (count < 2) {
        static_cast<void>(std::fputs("usage: lua_host script [argument...]\n", stderr));
        return EXIT_FAILURE;
    }
    main_state = luaL_newstate();
    if (main_state == nullptr) {
        return EXIT_FAILURE;
    }
    const int code = run(main_state, count, arguments);
    lua_close(main_state);
    return code;
}
