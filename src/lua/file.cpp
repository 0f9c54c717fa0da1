// Manual: system.openfile; file:close, file:flush, file:resize. Behaviour 4.2, 12.1 to 12.4.
#include "lua/file.hpp"

#include "base/errc.hpp"
#include "io/close_file.hpp"
#include "io/open.hpp"
#include "io/sync.hpp"
#include "lua/file_mode.hpp"
#include "lua/file_wait.hpp"
#include "lua/vm/call.hpp"
#include "lua/vm/reply.hpp"

#include <array>
#include <cstdio>

namespace coring::lua {

namespace {

// --- open -----------------------------------------------------------------------------------

// The new object stands alone on the stack while its file is opened.
constexpr int open_arguments = 1;

io::file& new_file(lua_State* L) {
    return *static_cast<file_block*>(lua_touserdata(L, 1))->open;
}

int opened_reply(lua_State* L, int failed) {
    if (failed != 0) {
        return vm::fail(L, failed);
    }
    lua_pushvalue(L, 1);
    return 1;
}

int open_settled_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, open_arguments + 1);
    }
    const int answer = here.done->result;
    if (answer >= 0) {
        io::file& made = new_file(L);
        io::adopt(made, io::take_opened(*here.done), made.traits);
    }
    vm::take_results(*here.on, *here.done);
    return opened_reply(L, answer < 0 ? -answer : 0);
}

int open_worker_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, open_arguments + 1);
    }
    const int answer = here.done->result;
    if (answer >= 0) {
        auto& job = vm::job_of<io::open_job>(*here.done);
        const io::file_traits traits = job.opened.traits;
        io::adopt(new_file(L), job.take(), traits);
    }
    vm::take_results(*here.on, *here.done);
    return opened_reply(L, answer < 0 ? -answer : 0);
}

int open_at_once(lua_State* L, vm::scheduler& on, const io::open_request& asked) {
    io::file& made = push_file(L, on);
    const io::opened_file opened = io::open_blocking(asked);
    if (opened.fd < 0) {
        return vm::fail(L, -opened.fd);
    }
    io::adopt(made, opened.fd, opened.traits);
    return 1;
}

int open_and_wait(lua_State* L, vm::scheduler& on, const io::open_request& asked) {
    io::file& made = push_file(L, on);
    const io::opened_file opened = io::open_cached(asked);
    if (opened.fd != -EAGAIN) {
        lua_replace(L, 1);
        made.traits = opened.traits;
        op::operation& open = vm::new_operation(L, on, io::open_type);
        io::open_settle(on.on(), open, opened);
        return vm::suspend(L, on, open, open_arguments, open_settled_k);
    }
    io::open_job* job = io::open_job::make(on.on(), asked);
    if (job == nullptr) {
        return luaL_error(L, "not enough memory");
    }
    lua_replace(L, 1); // the path, of which the job has a copy
    return vm::suspend_in_call(L, on, threadpool::lane_kind::files, *job, open_arguments,
                               open_worker_k);
}

int system_openfile(lua_State* L) {
    const open_mode mode = check_open_mode(L, 2);
    const mode_t permissions = mode.creates ? check_permissions(L, 3) : 0;
    vm::scheduler& on = check_wait(L, mode.blocking);
    const io::open_request asked{luaL_checkstring(L, 1), mode.flags, permissions};
    return mode.blocking ? open_at_once(L, on, asked) : open_and_wait(L, on, asked);
}

// --- close ----------------------------------------------------------------------------------

int file_close(lua_State* L) {
    const bool blocking = vm::check_blocking_mode(L, 2);
    vm::scheduler& on = check_wait(L, blocking);
    io::file& of = check_file(L, 1, on);
    auto& block = *static_cast<file_block*>(lua_touserdata(L, 1));
    if (blocking) {
        // What cannot be closed stays an open object, of a descriptor that is gone.
        const int failed = on.belongs_here() ? io::close_file(of) : io::close_inherited(of);
        if (failed == 0) {
            block.open = nullptr;
        }
        return vm::succeed_or_fail(L, failed);
    }
    if (!io::closes_slowly(of)) {
        const int failed = io::close_file(of);
        block.open = nullptr;
        if (failed != 0) {
            io::retire(of);
        }
        return settle_and_wait(L, on, -failed);
    }
    io::call_job* job = io::make_close_job(of);
    if (job == nullptr) {
        return luaL_error(L, "not enough memory");
    }
    block.open = nullptr;
    return vm::suspend_in_call(L, on, threadpool::lane_kind::files, *job, waiting_arguments,
                               worker_done_k);
}

void warn_of_close(lua_State* L, int failed) {
    std::array<char, base::error_text_room> scratch{};
    const std::string_view text = base::error_text(failed, scratch);
    std::array<char, 128> line{};
    static_cast<void>(std::snprintf(line.data(), line.size(), "[coutil] __gc(file): %.*s",
                                    static_cast<int>(text.size()), text.data()));
    lua_warning(L, line.data(), 0);
}

// Gives up the object's use of the file. What still uses the descriptor goes on with it. Zero,
// or the errno of the failed close: the file is then still there, without a descriptor.
int close_silently(const vm::scheduler* on, io::file& of) {
    if (on == nullptr || !on->belongs_here()) {
        return io::close_inherited(of);
    }
    if (of.fd < 0) {
        io::retire(of); // it was never opened, or could not be closed
        return 0;
    }
    return io::close_file(of);
}

// The end of a scope. What cannot be closed stays an open object, of a descriptor that is gone.
int file_tobeclosed(lua_State* L) {
    const vm::scheduler* on = vm::scheduler_if_any(L);
    if (on == nullptr) {
        return 0;
    }
    auto& block =
        *static_cast<file_block*>(vm::check_object(L, 1, *on, vm::class_id::file, file_name));
    if (block.open != nullptr) {
        if (const int failed = close_silently(on, *block.open); failed != 0) {
            warn_of_close(L, failed);
        } else {
            block.open = nullptr;
        }
    }
    return 0;
}

// The object is garbage, or its state closes.
int file_collect(lua_State* L) {
    const vm::scheduler* on = vm::scheduler_if_any(L);
    auto* block = static_cast<file_block*>(lua_touserdata(L, 1));
    const bool ours =
        block != nullptr &&
        (on == nullptr || vm::test_object(L, 1, *on, vm::class_id::file) != nullptr);
    if (!ours || block->open == nullptr) {
        return 0;
    }
    if (const int failed = close_silently(on, *block->open); failed != 0) {
        io::let_go(*block->open, true); // nobody can ask for it once more
        warn_of_close(L, failed);
    }
    block->open = nullptr;
    return 0;
}

// --- flush and resize -----------------------------------------------------------------------

int file_flush(lua_State* L) {
    constexpr std::uint32_t data_only = 2;
    constexpr int named = 3; // what the text has always said
    const std::uint32_t mode = vm::check_mode(L, 2, "~d", named);
    const bool blocking = (mode & 1) != 0;
    vm::scheduler& on = check_wait(L, blocking);
    io::file& of = check_file(L, 1, on);
    if (blocking) {
        return vm::succeed_or_fail(L, -io::flush_blocking(of, (mode & data_only) != 0));
    }
    if (of.traits.kind == io::file_kind::flowing) { // nothing to wait for
        return settle_and_wait(L, on, io::flush_blocking(of, (mode & data_only) != 0));
    }
    return wait_for_work(L, on, io::make_flush(of, (mode & data_only) != 0), work_done_k);
}

int file_resize(lua_State* L) {
    const bool blocking = vm::check_blocking_mode(L, 3);
    vm::scheduler& on = check_wait(L, blocking);
    io::file& of = check_file(L, 1, on);
    const lua_Integer size = luaL_checkinteger(L, 2);
    if (blocking) {
        return vm::succeed_or_fail(L, -io::resize_blocking(of, size));
    }
    if (of.traits.kind == io::file_kind::flowing) {
        return settle_and_wait(L, on, io::resize_blocking(of, size));
    }
    return wait_for_work(L, on, io::make_resize(of, size), work_done_k);
}

const luaL_Reg metamethods[] = {
    {"__gc", file_collect},
    {"__close", file_tobeclosed},
    {nullptr, nullptr},
};

const luaL_Reg methods[] = {
    {"close", file_close},   {"flush", file_flush}, {"grant", file_grant},
    {"info", file_info},     {"own", file_own},     {"read", file_read},
    {"resize", file_resize}, {"touch", file_touch}, {"write", file_write},
    {nullptr, nullptr},
};

} // namespace

io::file& push_file(lua_State* L, vm::scheduler& on) {
    auto* block = static_cast<file_block*>(lua_newuserdatauv(L, sizeof(file_block), 0));
    block->open = nullptr;
    vm::set_class(L, vm::class_id::file);
    block->open = io::make_file(on.on());
    if (block->open == nullptr) {
        luaL_error(L, "not enough memory");
        __builtin_unreachable();
    }
    return *block->open;
}

void make_file_class(lua_State* L, vm::scheduler& on) {
    vm::make_class(L, on, vm::class_id::file, file_name, metamethods, methods);
}

const luaL_Reg file_functions[] = {
    {"openfile", system_openfile},
    {nullptr, nullptr},
};

} // namespace coring::lua
