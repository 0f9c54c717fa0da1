// Reads the formats of pack and unpack: letters, counts, endianness and alignment
// (Lua 5.4 reference manual, 6.4.2).
#include "lua/memory/pack_format.hpp"

#include <algorithm>
#include <bit>
#include <climits>
#include <limits>

namespace coring::lua::memory {

namespace {

constexpr int format_argument = 2;
constexpr std::size_t max_integer_size = 16;
constexpr std::size_t absent_count = std::numeric_limits<std::size_t>::max();
constexpr std::size_t native_alignment =
    std::max({alignof(lua_Integer), alignof(lua_Number), alignof(void*), alignof(long)});

static_assert(std::is_same_v<lua_Number, double>, "the options d and n are the same here");

} // namespace

format_reader::format_reader(lua_State* state)
    : state_{state}, next_{luaL_checkstring(state, format_argument)},
      little_endian_{std::endian::native == std::endian::little} {}

bool format_reader::next(std::size_t offset, packed_item& item) {
    while (*next_ != '\0') {
        const option read = read_option();
        if (read.is_item) {
            item = read.item;
            item.padding = padding_for(read.alignment, offset);
            return true;
        }
    }
    return false;
}

format_reader::option format_reader::read_option() {
    const auto number = [](item_kind kind, std::size_t size) {
        return option{{kind, size, 0}, size, true};
    };
    const auto unaligned = [](item_kind kind, std::size_t size) {
        return option{{kind, size, 0}, 0, true};
    };
    const char letter = *next_++;
    switch (letter) {
    case 'b':
        return number(item_kind::signed_integer, sizeof(char));
    case 'B':
        return number(item_kind::unsigned_integer, sizeof(char));
    case 'h':
        return number(item_kind::signed_integer, sizeof(short));
    case 'H':
        return number(item_kind::unsigned_integer, sizeof(short));
    case 'i':
        return number(item_kind::signed_integer, read_integer_size(sizeof(int)));
    case 'I':
        return number(item_kind::unsigned_integer, read_integer_size(sizeof(int)));
    case 'l':
        return number(item_kind::signed_integer, sizeof(long));
    case 'L':
        return number(item_kind::unsigned_integer, sizeof(long));
    case 'j':
        return number(item_kind::signed_integer, sizeof(lua_Integer));
    case 'J':
        return number(item_kind::unsigned_integer, sizeof(lua_Integer));
    case 'T':
        return number(item_kind::unsigned_integer, sizeof(std::size_t));
    case 'f':
        return number(item_kind::single_float, sizeof(float));
    case 'd':
    case 'n':
        return number(item_kind::double_float, sizeof(double));
    case 's':
        return number(item_kind::prefixed_string, read_integer_size(sizeof(std::size_t)));
    case 'x':
        return number(item_kind::zero_byte, 1);
    case 'z':
        return unaligned(item_kind::zero_string, 0);
    case 'c': {
        const std::size_t size = read_count(absent_count);
        if (size == absent_count) {
            luaL_error(state_, "missing size for format option 'c'");
        }
        return unaligned(item_kind::fixed_string, size);
    }
    case 'X':
        return read_alignment();
    default:
        return read_directive(letter);
    }
}

// The options that only set how others are read.
format_reader::option format_reader::read_directive(char letter) {
    switch (letter) {
    case '<':
        little_endian_ = true;
        break;
    case '>':
        little_endian_ = false;
        break;
    case '=':
        little_endian_ = std::endian::native == std::endian::little;
        break;
    case '!':
        max_alignment_ = read_integer_size(native_alignment);
        break;
    case ' ':
        break;
    default:
        luaL_error(state_, "invalid format option '%c'", letter);
    }
    return {{item_kind::nothing, 0, 0}, 0, false};
}

// The option after an X, of which nothing but the alignment remains. It is looked at before it
// is read, so that a row of X does not become as many calls.
format_reader::option format_reader::read_alignment() {
    const bool usable = *next_ != '\0' && *next_ != 'X';
    const std::size_t alignment = usable ? read_option().alignment : 0;
    luaL_argcheck(state_, alignment != 0, format_argument,
                  "invalid next option for option 'X'");
    return {{item_kind::nothing, 0, 0}, alignment, true};
}

// The decimal number that follows an option. Digits that would leave the range of int are not
// part of it; they are refused as the options they then are.
std::size_t format_reader::read_count(std::size_t absent) {
    const auto is_digit = [](char letter) { return '0' <= letter && letter <= '9'; };
    if (!is_digit(*next_)) {
        return absent;
    }
    std::size_t count = 0;
    while (is_digit(*next_) && count <= (INT_MAX - 9) / 10) {
        count = count * 10 + static_cast<std::size_t>(*next_ - '0');
        next_++;
    }
    return count;
}

std::size_t format_reader::read_integer_size(std::size_t absent) {
    const std::size_t size = read_count(absent);
    if (size == 0 || size > max_integer_size) {
        luaL_error(state_, "integral size (%d) out of limits [1,%d]", static_cast<int>(size),
                   static_cast<int>(max_integer_size));
    }
    return size;
}

std::size_t format_reader::padding_for(std::size_t alignment, std::size_t offset) const {
    const std::size_t wanted = std::min(alignment, max_alignment_);
    if (wanted <= 1) {
        return 0;
    }
    luaL_argcheck(state_, std::has_single_bit(wanted), format_argument,
                  "format asks for alignment not power of 2");
    return (wanted - offset % wanted) % wanted;
}

} // namespace coring::lua::memory
