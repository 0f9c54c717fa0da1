// Values into a memory in a binary format: pack (behaviour 16.1). Each item is checked,
// measured and only then written, whole or not at all: the index told with a refusal is where
// it would begin.
#include "lua/memory/block.hpp"
#include "lua/memory/copy.hpp"
#include "lua/memory/functions.hpp"
#include "lua/memory/number_bytes.hpp"
#include "lua/memory/pack_format.hpp"
#include "lua/memory/range.hpp"

#include <cstring>

namespace coring::lua::memory {

namespace {

// Where the next item goes, and which argument is its value.
struct packing {
    lua_State* state;
    block target;
    std::size_t offset;
    int argument;
    bool little_endian;
};

static_assert(std::is_trivially_destructible_v<packing>);

// The place for `size` bytes, behind the padding of the item, which is cleared; or null when
// they do not fit. Requires that size is at least 1, or that null is a good place for no bytes.
char* take(packing& job, std::size_t padding, std::size_t size) {
    if (job.offset > job.target.size) {
        return nullptr;
    }
    const std::size_t room = job.target.size - job.offset;
    if (padding > room || size > room - padding) {
        return nullptr;
    }
    char* place = job.target.bytes + job.offset;
    clear_bytes(place, padding);
    job.offset += padding + size;
    return place + padding;
}

bool pack_integer(packing& job, const packed_item& item) {
    const lua_Integer value = luaL_checkinteger(job.state, job.argument);
    const bool is_signed = item.kind == item_kind::signed_integer;
    const auto bits = static_cast<lua_Unsigned>(value);
    if (item.size < sizeof value) {
        const lua_Unsigned values = lua_Unsigned{1} << (8 * item.size);
        // Adding half of all values brings those of a signed integer to 0 and above.
        const bool fits = is_signed ? bits + values / 2 < values : bits < values;
        luaL_argcheck(job.state, fits, job.argument,
                      is_signed ? "integer overflow" : "unsigned overflow");
    }
    char* place = take(job, item.padding, item.size);
    if (place == nullptr) {
        return false;
    }
    const char extension = is_signed && value < 0 ? '\xff' : '\0';
    write_integer(place, bits, item.size, extension, job.little_endian);
    return true;
}

bool pack_float(packing& job, const packed_item& item) {
    const lua_Number value = luaL_checknumber(job.state, job.argument);
    char* place = take(job, item.padding, item.size);
    if (place == nullptr) {
        return false;
    }
    if (item.kind == item_kind::single_float) {
        write_float(place, static_cast<float>(value), job.little_endian);
    } else {
        write_float(place, value, job.little_endian);
    }
    return true;
}

// Ensures that the kind of item can hold the string.
void check_string(const packing& job, const packed_item& item, view value) {
    if (item.kind == item_kind::fixed_string) {
        luaL_argcheck(job.state, value.size == item.size, job.argument, "wrong length");
    } else if (item.kind == item_kind::zero_string) {
        const bool clean =
            value.size == 0 || std::memchr(value.bytes, '\0', value.size) == nullptr;
        luaL_argcheck(job.state, clean, job.argument, "string contains zeros");
    } else {
        const bool fits = item.size >= sizeof value.size || value.size >> (8 * item.size) == 0;
        luaL_argcheck(job.state, fits, job.argument,
                      "string length does not fit in given size");
    }
}

bool write_string(packing& job, const packed_item& item, view value) {
    const std::size_t before = item.kind == item_kind::prefixed_string ? item.size : 0;
    const std::size_t after = item.kind == item_kind::zero_string ? 1 : 0;
    const std::size_t size = before + value.size + after;
    char* place = take(job, item.padding, size);
    if (place == nullptr) {
        return size == 0 && item.padding == 0;
    }
    // The value may be the memory itself: the bytes around it are written when it has been
    // moved.
    copy_bytes(place + before, value.bytes, value.size);
    write_integer(place, value.size, before, '\0', job.little_endian);
    clear_bytes(place + before + value.size, after);
    return true;
}

bool pack_string(packing& job, const packed_item& item) {
    // A number is converted in a copy, because a refusal returns the values as they were given.
    const bool converted = lua_type(job.state, job.argument) == LUA_TNUMBER;
    view value{nullptr, 0};
    if (converted) {
        lua_pushvalue(job.state, job.argument);
        value.bytes = lua_tolstring(job.state, -1, &value.size);
        // Making the string may have run a finalizer that changed the memory.
        job.target = inspect(job.state, 1);
    } else {
        check_array(job.state, job.argument);
        value = array_at(job.state, job.argument);
    }
    check_string(job, item, value);
    const bool fits = write_string(job, item, value);
    if (converted) {
        lua_pop(job.state, 1);
    }
    return fits;
}

bool pack_without_value(packing& job, const packed_item& item) {
    if (item.padding + item.size == 0) {
        return true;
    }
    char* place = take(job, item.padding, item.size);
    if (place == nullptr) {
        return false;
    }
    clear_bytes(place, item.size);
    return true;
}

// Writes the item and goes on to the next argument, or returns false when it does not fit.
bool pack_item(packing& job, const packed_item& item) {
    bool fits = false;
    switch (item.kind) {
    case item_kind::signed_integer:
    case item_kind::unsigned_integer:
        fits = pack_integer(job, item);
        break;
    case item_kind::single_float:
    case item_kind::double_float:
        fits = pack_float(job, item);
        break;
    case item_kind::fixed_string:
    case item_kind::prefixed_string:
    case item_kind::zero_string:
        fits = pack_string(job, item);
        break;
    case item_kind::zero_byte:
    case item_kind::nothing:
        return pack_without_value(job, item);
    }
    job.argument += fits ? 1 : 0;
    return fits;
}

// Answers false, the index and the values that were not written. These are on top of the stack,
// and at least the three arguments before them are no longer needed.
int refuse(const packing& job) {
    lua_pushboolean(job.state, 0);
    lua_replace(job.state, job.argument - 2);
    lua_pushinteger(job.state, index_of(job.offset));
    lua_replace(job.state, job.argument - 1);
    return lua_gettop(job.state) - job.argument + 3;
}

} // namespace

int memory_pack(lua_State* state) {
    check_memory(state, 1);
    format_reader format{state};
    const lua_Integer index = luaL_checkinteger(state, 3);
    packing job{state, inspect(state, 1), 0, 4, true};
    const std::size_t start = start_position(index, job.target.size);
    luaL_argcheck(state, start <= job.target.size + 1, 3, "index out of bounds");
    job.offset = start - 1;
    packed_item item{};
    while (format.next(job.offset, item)) {
        job.little_endian = format.little_endian();
        if (!pack_item(job, item)) {
            return refuse(job);
        }
    }
    lua_pushboolean(state, 1);
    lua_pushinteger(state, index_of(job.offset));
    return 2;
}

} // namespace coring::lua::memory
