// The environment of the process. States of several threads read and change it, which the C
// library does not guard, so every access of ours takes one mutex, and what is read is copied
// out before it is given back. What a host's own code does is beyond it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace coring::base {

// Copies the value of a variable, as far as there is room and always with a zero behind it.
// Returns how much room it needs in all, the zero included; zero if there is no such variable.
// Requires some room. Any thread.
[[nodiscard]] std::size_t read_variable(const char* name, std::span<char> room) noexcept;

// Sets a variable, or removes it if `value` is null. Zero or an errno: EINVAL for a name that
// is empty or has '='. Any thread.
[[nodiscard]] int write_variable(const char* name, const char* value) noexcept;

// Copies the whole environment into one block, as environment_writer builds them. Returns how
// much room it needs; if that is more than there is, nothing was written. Requires room aligned
// for pointers. Any thread.
[[nodiscard]] std::size_t copy_environment(std::span<char> room) noexcept;

// Builds an environment in one block of memory, as execve(2) wants it: `count` pointers to
// texts of the form NAME=VALUE, a null pointer, and the texts behind them. The block is the
// environment: it needs nothing else and must not move.
class environment_writer {
public:
    // How large a block has to be. `text_size` counts the texts and a zero for each.
    [[nodiscard]] static constexpr std::size_t room_for(std::size_t count,
                                                        std::size_t text_size) noexcept {
        return (count + 1) * sizeof(char*) + text_size;
    }

    // Requires room_for() bytes, aligned for pointers. Ensures an empty environment.
    environment_writer(void* block, std::size_t count) noexcept;

    // Requires that text and count stay within what the block was made for.
    void add(std::string_view text) noexcept;

private:
    char** next_;
    char* text_;
};

} // namespace coring::base
