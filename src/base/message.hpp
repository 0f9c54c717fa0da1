// Values on their way from one Lua state to another. The engine owns them meanwhile: whoever
// holds a message needs neither of the states, nor Lua.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace coring::base {

// The kinds of values that can be in two states at once.
enum class value_kind : std::uint8_t { nil, boolean, integer, number, string, pointer };

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): of a union, one member
struct message_value {
    value_kind kind = value_kind::nil;
    std::size_t size = 0; // of a string

    union {
        bool boolean;
        std::int64_t integer = 0;
        double number;
        const char* bytes; // in the message
        void* pointer;
    };
};

// A sequence of values in one block of memory, filled once. Not thread-safe; may be handed from
// thread to thread. An empty one needs no memory.
class message {
public:
    message() noexcept = default;
    message(const message&) = delete;
    message& operator=(const message&) = delete;
    message(message&& other) noexcept;
    message& operator=(message&& other) noexcept;

    ~message() { clear(); }

    // Empties it and makes room for so many values, and so many bytes of strings together.
    // False when memory is short: it is empty then.
    [[nodiscard]] bool reserve(std::size_t values, std::size_t bytes) noexcept;

    // The next value. Require that there is room.
    void add_nil() noexcept { next(value_kind::nil); }

    void add(bool value) noexcept { next(value_kind::boolean).boolean = value; }

    void add(std::int64_t value) noexcept { next(value_kind::integer).integer = value; }

    void add(double value) noexcept { next(value_kind::number).number = value; }

    void add(std::string_view value) noexcept;

    void add_pointer(void* value) noexcept { next(value_kind::pointer).pointer = value; }

    [[nodiscard]] std::span<const message_value> values() const noexcept {
        return {values_, count_};
    }

    void clear() noexcept;

private:
    message_value& next(value_kind kind) noexcept;

    message_value* values_ = nullptr; // the block; the bytes of strings follow the values
    char* free_bytes_ = nullptr;
    std::size_t count_ = 0;
    std::size_t room_ = 0;
};

} // namespace coring::base
