// Values out of a memory or string in a binary format: unpack (behaviour 16.1, 18).
#include "lua/memory/block.hpp"
#include "lua/memory/functions.hpp"
#include "lua/memory/number_bytes.hpp"
#include "lua/memory/pack_format.hpp"
#include "lua/memory/range.hpp"

#include <cstring>

namespace coring::lua::memory {

namespace {

// A value and the index after all of them, and what looking at the memory again takes.
constexpr int slots_needed = 2 + 3;

// Where the next item is.
struct unpacking {
    lua_State* state;
    view source;
    std::size_t offset;
    bool little_endian;
};

static_assert(std::is_trivially_destructible_v<unpacking>);

// Raises when fewer than `size` bytes are left.
void need(const unpacking& job, std::size_t size) {
    const bool enough = job.offset <= job.source.size && size <= job.source.size - job.offset;
    luaL_argcheck(job.state, enough, 2, "data string too short");
}

// The next `size` bytes. Requires that size is not 0.
const char* take(unpacking& job, std::size_t size) {
    need(job, size);
    const char* bytes = job.source.bytes + job.offset;
    job.offset += size;
    return bytes;
}

// Pushes the next `size` bytes as a string, which may run a finalizer that changes the memory.
void push_string(unpacking& job, std::size_t size) {
    if (size == 0) {
        need(job, 0);
        lua_pushliteral(job.state, "");
    } else {
        const char* bytes = take(job, size);
        lua_pushlstring(job.state, bytes, size);
    }
    job.source = array_at(job.state, 1);
}

// An integer of up to 16 bytes; those that a Lua integer has no room for must only repeat its
// sign.
lua_Integer take_integer(unpacking& job, const packed_item& item) {
    const bool is_signed = item.kind == item_kind::signed_integer;
    const char* bytes = take(job, item.size);
    const std::size_t size = std::min(item.size, sizeof(lua_Integer));
    const std::size_t extra = item.size - size;
    const char* low = job.little_endian ? bytes : bytes + extra;
    const char* high = job.little_endian ? bytes + size : bytes;
    lua_Unsigned value = read_integer(low, size, job.little_endian);
    if (is_signed && size < sizeof(lua_Integer)) {
        // Flipping the sign bit and taking its weight away again copies it to all bits above.
        const lua_Unsigned sign = lua_Unsigned{1} << (8 * size - 1);
        value = (value ^ sign) - sign;
    }
    const auto result = static_cast<lua_Integer>(value);
    const char extension = is_signed && result < 0 ? '\xff' : '\0';
    for (std::size_t index = 0; index < extra; index++) {
        if (high[index] != extension) {
            luaL_error(job.state, "%d-byte integer does not fit into Lua Integer",
                       static_cast<int>(item.size));
        }
    }
    return result;
}

void unpack_float(unpacking& job, const packed_item& item) {
    const char* bytes = take(job, item.size);
    lua_Number value = 0;
    if (item.kind == item_kind::single_float) {
        value = static_cast<lua_Number>(read_float<float>(bytes, job.little_endian));
    } else {
        value = read_float<double>(bytes, job.little_endian);
    }
    lua_pushnumber(job.state, value);
}

void unpack_prefixed_string(unpacking& job, const packed_item& item) {
    const auto size = static_cast<lua_Unsigned>(take_integer(job, item));
    luaL_argcheck(job.state, size <= job.source.size, 2, "data string too short");
    push_string(job, static_cast<std::size_t>(size));
}

void unpack_zero_string(unpacking& job) {
    const std::size_t offset = std::min(job.offset, job.source.size);
    const std::size_t left = job.source.size - offset;
    const char* start = left == 0 ? nullptr : job.source.bytes + offset;
    const void* end = left == 0 ? nullptr : std::memchr(start, '\0', left);
    luaL_argcheck(job.state, end != nullptr, 2, "unfinished string for format 'z'");
    push_string(job, static_cast<std::size_t>(static_cast<const char*>(end) - start));
    job.offset++;
}

// Pushes the value of the item, if it has one; returns how many that are.
int unpack_item(unpacking& job, const packed_item& item) {
    need(job, item.padding);
    job.offset += item.padding;
    luaL_checkstack(job.state, slots_needed, "too many results");
    switch (item.kind) {
    case item_kind::signed_integer:
    case item_kind::unsigned_integer:
        lua_pushinteger(job.state, take_integer(job, item));
        return 1;
    case item_kind::single_float:
    case item_kind::double_float:
        unpack_float(job, item);
        return 1;
    case item_kind::fixed_string:
        push_string(job, item.size);
        return 1;
    case item_kind::prefixed_string:
        unpack_prefixed_string(job, item);
        return 1;
    case item_kind::zero_string:
        unpack_zero_string(job);
        return 1;
    case item_kind::zero_byte:
        take(job, item.size);
        return 0;
    case item_kind::nothing:
        return 0;
    }
    return 0;
}

} // namespace

int memory_unpack(lua_State* state) {
    check_array(state, 1);
    format_reader format{state};
    const lua_Integer index = luaL_optinteger(state, 3, 1);
    unpacking job{state, array_at(state, 1), 0, true};
    const std::size_t start = start_position(index, job.source.size);
    luaL_argcheck(state, start <= job.source.size + 1, 3, "index out of bounds");
    job.offset = start - 1;
    int count = 0;
    packed_item item{};
    while (format.next(job.offset, item)) {
        job.little_endian = format.little_endian();
        count += unpack_item(job, item);
    }
    lua_pushinteger(state, index_of(job.offset));
    return count + 1;
}

} // namespace coring::lua::memory
