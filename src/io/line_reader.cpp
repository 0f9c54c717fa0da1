#include "io/line_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace coring::io {

namespace {

constexpr std::string_view blanks = " \t";

} // namespace

int line_reader::open(const char* path) noexcept {
    fd_.reset(::open(path, O_RDONLY | O_CLOEXEC));
    return fd_.valid() ? 0 : errno;
}

bool line_reader::refill() noexcept {
    if (begin_ > 0) {
        std::memmove(room_.data(), room_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    ssize_t count = -1;
    do {
        count = ::read(fd_.get(), room_.data() + end_, room_.size() - end_);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        return false;
    }
    end_ += static_cast<std::size_t>(count);
    return true;
}

// What is left of a line that was cut is passed over, for as long as there is no end in sight.
bool line_reader::skip_rest() noexcept {
    while (cut_) {
        const std::string_view text{room_.data() + begin_, end_ - begin_};
        const std::size_t length = text.find('\n');
        cut_ = length == std::string_view::npos;
        begin_ = cut_ ? end_ : begin_ + length + 1;
        if (cut_ && !refill()) {
            return false;
        }
    }
    return true;
}

bool line_reader::next(std::string_view& line) noexcept {
    if (!skip_rest()) {
        return false;
    }
    std::size_t searched = 0;
    while (true) {
        const std::string_view text{room_.data() + begin_, end_ - begin_};
        const std::size_t length = text.find('\n', searched);
        if (length != std::string_view::npos) {
            line = text.substr(0, length);
            begin_ += length + 1;
            return true;
        }
        searched = text.size();
        cut_ = searched == room_.size();
        if (cut_ || !refill()) {
            line = {room_.data() + begin_, end_ - begin_};
            begin_ = end_;
            return !line.empty();
        }
    }
}

bool leading_number(std::string_view text, std::int64_t& number) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc{};
}

std::string_view take_word(std::string_view& text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::size_t length = std::min(text.find_first_of(blanks), text.size());
    const std::string_view word = text.substr(0, length);
    text.remove_prefix(length);
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return word;
}

std::int64_t number_in_file(const char* path) noexcept {
    line_reader reader;
    if (const int failed = reader.open(path); failed != 0) {
        return -failed;
    }
    std::string_view line;
    std::int64_t number = 0;
    if (!reader.next(line) || !leading_number(line, number) || number < 0) {
        return -EINVAL;
    }
    return number;
}

} // namespace coring::io
