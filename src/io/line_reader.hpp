// Reads the small texts in which the kernel tells about the system (/proc, /sys, control
// groups), line by line, without allocating.
#pragma once

#include "base/unique_fd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coring::io {

class line_reader {
public:
    static constexpr std::size_t longest_line = 4096;

    // Zero or an errno. Requires that nothing was opened before.
    [[nodiscard]] int open(const char* path) noexcept;

    // The next line, without its end, cut to longest_line; valid until the next call. False at
    // the end of the text, or when it cannot be read.
    [[nodiscard]] bool next(std::string_view& line) noexcept;

private:
    // Reads more behind what is there. False if there is no more.
    [[nodiscard]] bool refill() noexcept;
    [[nodiscard]] bool skip_rest() noexcept;

    base::unique_fd fd_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool cut_ = false; // the line that was returned last goes on
    std::array<char, longest_line> room_{};
};

// The number that the text begins with, after blanks; false if there is none, or if it does not
// fit.
[[nodiscard]] bool leading_number(std::string_view text, std::int64_t& number) noexcept;

// Takes the text up to the next blank from its front, and the blanks around it. Empty at the
// end.
[[nodiscard]] std::string_view take_word(std::string_view& text) noexcept;

// The number in the file's first line, or an answer below zero: -errno, or -EINVAL if there is
// no number.
[[nodiscard]] std::int64_t number_in_file(const char* path) noexcept;

} // namespace coring::io
