// The format language of pack and unpack (Lua 5.4 reference manual, 6.4.2; behaviour 16.1).
#pragma once

#include <cstddef>
#include <type_traits>

#include <lua.hpp>

namespace coring::lua::memory {

enum class item_kind {
    signed_integer,
    unsigned_integer,
    single_float,
    double_float,
    fixed_string,    // size bytes
    prefixed_string, // its length as an unsigned integer of size bytes, then its bytes
    zero_string,     // its bytes, then a zero
    zero_byte,       // one byte without a value
    nothing,         // padding at most
};

// One item of a format. `size` is what its kind says above, for numbers their bytes; `padding`
// is what precedes it to align it.
struct packed_item {
    item_kind kind;
    std::size_t size;
    std::size_t padding;
};

// Walks through a format given as argument 2, and keeps what its options have set so far.
// Options without an item of their own are consumed on the way. Raises when the format is
// malformed.
class format_reader {
public:
    // Requires that the string stays on the stack while the reader is used.
    explicit format_reader(lua_State* state);

    // Reads the next item into `item`, aligned for a place `offset` bytes after the start of
    // the memory. Returns false at the end of the format.
    bool next(std::size_t offset, packed_item& item);

    [[nodiscard]] bool little_endian() const { return little_endian_; }

private:
    struct option {
        packed_item item;
        std::size_t alignment; // 0 when the option cannot be aligned for
        bool is_item;
    };

    option read_option();
    option read_directive(char letter);
    option read_alignment();
    std::size_t read_count(std::size_t absent);
    std::size_t read_integer_size(std::size_t absent);
    [[nodiscard]] std::size_t padding_for(std::size_t alignment, std::size_t offset) const;

    lua_State* state_;
    const char* next_;
    std::size_t max_alignment_ = 1;
    bool little_endian_;
};

// It lives across calls that raise.
static_assert(std::is_trivially_destructible_v<format_reader>);

} // namespace coring::lua::memory
