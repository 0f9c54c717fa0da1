// Manual: file:read, file:write. Behaviour 1.7 (order of checks), 5, 12.4.
#include "io/copy_range.hpp"
#include "io/flow.hpp"
#include "io/read.hpp"
#include "io/write.hpp"
#include "lua/file.hpp"
#include "lua/file_mode.hpp"
#include "lua/file_wait.hpp"
#include "lua/vm/memory.hpp"
#include "lua/vm/reply.hpp"

namespace coring::lua {

namespace {

// Self, the data, i and j.
constexpr int data_arguments = 4;
constexpr int base = data_arguments + 1;
constexpr int offset_argument = 5;
constexpr int mode_argument = 6;

// The offset, or none for nil and negative ones.
std::int64_t check_offset(lua_State* L) {
    const lua_Integer offset = luaL_optinteger(L, offset_argument, io::at_position);
    return offset < 0 ? io::at_position : offset;
}

int count_reply(lua_State* L, std::int64_t count, int failed) {
    if (count == 0 && failed != 0) {
        return vm::fail(L, failed);
    }
    lua_pushinteger(L, count);
    return 1;
}

int answer_reply(lua_State* L, int answer) {
    return count_reply(L, answer < 0 ? 0 : answer, answer < 0 ? -answer : 0);
}

// Whether it is waited for by readiness.
bool flows(const io::file& of, std::int64_t offset) noexcept {
    return of.traits.kind == io::file_kind::flowing && offset == io::at_position;
}

// --- read -----------------------------------------------------------------------------------

// The range as it is now: the memory may have been resized meanwhile.
std::span<char> range_of_now(lua_State* L, const vm::scheduler& on) {
    return vm::range_now(L, 3, vm::memory_now(L, 2, on));
}

int read_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    int answer = 0;
    if (!io::read_arrived(*here.done, range_of_now(L, *here.on), answer)) {
        return vm::suspend_again(L, *here.on, *here.done, base, read_k);
    }
    vm::take_results(*here.on, *here.done);
    return answer_reply(L, answer);
}

int flow_read_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    int answer = here.done->result;
    if (answer == 0) {
        const std::span<char> into = range_of_now(L, *here.on);
        auto& from = static_cast<io::file&>(*here.done->target);
        answer = into.empty() ? 0 : io::flow_read_now(from, into);
        if (answer == -EAGAIN) {
            io::flow_read_again(*here.done);
            return vm::suspend_again(L, *here.on, *here.done, base, flow_read_k);
        }
    }
    vm::take_results(*here.on, *here.done);
    return answer_reply(L, answer);
}

int read_and_wait(lua_State* L,
                  vm::scheduler& on,
                  io::file& from,
                  std::span<char> into,
                  std::int64_t offset,
                  std::int64_t start) {
    if (into.empty()) {
        return settle_count_and_wait(L, on, 0);
    }
    if (flows(from, offset)) {
        op::operation& read = vm::new_operation(L, on, io::flow_read_type);
        io::flow_read_start(from, read);
        return vm::suspend(L, on, read, data_arguments, flow_read_k);
    }
    if (offset == io::at_position && from.position.head != nullptr) {
        return wait_for_work(L, on, io::read_work::make(from, into.size(), offset, nullptr),
                             read_k, data_arguments);
    }
    const io::file_attempt tried = io::read_first(from, into, offset, start);
    if (!tried.waits()) {
        return settle_count_and_wait(L, on, tried.result());
    }
    return wait_for_work(L, on, io::read_work::make(from, into.size(), offset, &tried), read_k,
                         data_arguments);
}

// --- write ----------------------------------------------------------------------------------

int write_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const auto& work = io::work_of<io::write_work>(*here.done);
    const auto count = static_cast<std::int64_t>(work.count);
    const int failed = here.done->result < 0 ? -here.done->result : work.failed;
    vm::take_results(*here.on, *here.done);
    return count_reply(L, count, failed);
}

int flow_write_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const int answer = here.done->result;
    vm::take_results(*here.on, *here.done);
    return answer_reply(L, answer);
}

int flow_write(lua_State* L, vm::scheduler& on, io::file& to, std::string_view bytes) {
    op::operation& write = vm::new_operation(L, on, io::flow_write_type);
    if (io::flow_write_start(to, write, bytes) != 0) {
        vm::give_back(L, on, write);
        return luaL_error(L, "not enough memory");
    }
    return vm::suspend(L, on, write, data_arguments, flow_write_k);
}

int write_and_wait(lua_State* L,
                   vm::scheduler& on,
                   io::file& to,
                   const vm::input_bytes& data,
                   std::int64_t offset) {
    const std::string_view bytes = data.bytes;
    if (bytes.empty()) {
        return settle_count_and_wait(L, on, 0);
    }
    if (flows(to, offset)) {
        return flow_write(L, on, to, bytes);
    }
    io::file_attempt tried{0, EAGAIN};
    if (offset != io::at_position || to.position.head == nullptr) {
        tried = io::write_now(to, bytes, offset);
    }
    if (!tried.waits()) {
        return settle_count_and_wait(L, on, tried.result());
    }
    const bool moves = data.kind == vm::bytes_kind::resizable_memory;
    return wait_for_work(L, on, io::write_work::make(to, bytes, offset, tried.count, moves),
                         write_k, data_arguments);
}

// --- write a file ---------------------------------------------------------------------------

int copy_k(lua_State* L, int, lua_KContext context) {
    const vm::delivery_of here = vm::delivered(L, context);
    if (here.done == nullptr) {
        return vm::left_results(L, base);
    }
    const io::copied answer = io::work_of<io::copy_work>(*here.done).answer;
    const int failed = here.done->result < 0 ? -here.done->result : answer.failed;
    vm::take_results(*here.on, *here.done);
    return count_reply(L, answer.count, failed);
}

int write_file(lua_State* L, vm::scheduler& on, io::file& to, io::file* from, bool blocking) {
    const lua_Integer first = luaL_checkinteger(L, 3);
    const lua_Integer last = luaL_checkinteger(L, 4);
    luaL_argcheck(L, first <= last, 4, "invalid range");
    if (from == nullptr || first < 1) {
        const int failed = from == nullptr ? EBADF : EINVAL;
        return blocking ? vm::fail(L, failed) : settle_count_and_wait(L, on, -failed);
    }
    const io::copy_request asked{first - 1, last - first + 1};
    if (blocking) {
        const io::copied answer = io::copy_blocking(*from, to, asked);
        return count_reply(L, answer.count, answer.failed);
    }
    return wait_for_work(L, on, io::copy_work::make(*from, to, asked), copy_k, data_arguments);
}

} // namespace

int file_read(lua_State* L) {
    const bool blocking = vm::check_blocking_mode(L, mode_argument);
    vm::scheduler& on = check_wait(L, blocking);
    io::file& from = check_file(L, 1, on);
    const std::span<char> whole = vm::check_memory(L, 2, on);
    vm::check_range(L, 3);
    const std::int64_t offset = check_offset(L);
    const std::int64_t start = io::start_of(from, offset);
    const std::span<char> into = vm::range_now(L, 3, whole);
    if (blocking) {
        return answer_reply(L, into.empty() ? 0 : io::read_blocking(from, into, offset));
    }
    return read_and_wait(L, on, from, into, offset, start);
}

int file_write(lua_State* L) {
    const bool blocking = vm::check_blocking_mode(L, mode_argument);
    vm::scheduler& on = check_wait(L, blocking);
    io::file& to = check_file(L, 1, on);
    to.at_start = false;
    if (void* block = vm::test_object(L, 2, on, vm::class_id::file); block != nullptr) {
        return write_file(L, on, to, static_cast<file_block*>(block)->open, blocking);
    }
    vm::input_bytes data = vm::check_input(L, 2, on);
    data.bytes = vm::check_input_range(L, 3, data.bytes);
    const std::int64_t offset = check_offset(L);
    if (blocking) {
        const io::written made = io::write_blocking(to, data.bytes, offset);
        return count_reply(L, static_cast<std::int64_t>(made.count), made.failed);
    }
    return write_and_wait(L, on, to, data, offset);
}

} // namespace coring::lua
