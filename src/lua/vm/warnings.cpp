#include "lua/vm/warnings.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace coring::lua::vm {

namespace {

constexpr std::size_t first_room = 256;

void write(std::string_view text) noexcept {
    // The stream has no buffer, so that this is one call of the system.
    static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

} // namespace

warning_lines::~warning_lines() {
    std::free(line_);
}

void warning_lines::receive(void* self, const char* piece, int more) {
    auto& lines = *static_cast<warning_lines*>(self);
    if (!lines.in_line_ && lines.obey(piece, more != 0)) {
        return;
    }
    if (!lines.on_) {
        return;
    }
    if (!lines.in_line_) {
        lines.take("Lua warning: ");
    }
    lines.take(piece);
    lines.in_line_ = more != 0;
    if (!lines.in_line_) {
        lines.take("\n");
        lines.write_out();
    }
}

// Whether the piece is a message to us, which it is alone: "@on", "@off", or another in time.
bool warning_lines::obey(std::string_view piece, bool more) noexcept {
    if (more || piece.empty() || piece.front() != '@') {
        return false;
    }
    if (piece == "@on") {
        on_ = true;
    } else if (piece == "@off") {
        on_ = false;
    }
    return true;
}

void warning_lines::take(std::string_view piece) noexcept {
    if (room_ - size_ < piece.size()) {
        const std::size_t room = std::max({first_room, room_ * 2, size_ + piece.size()});
        auto* grown = static_cast<char*>(std::realloc(line_, room));
        if (grown == nullptr) {
            write_out(); // in pieces is better than not at all
            write(piece);
            return;
        }
        line_ = grown;
        room_ = room;
    }
    std::memcpy(line_ + size_, piece.data(), piece.size());
    size_ += piece.size();
}

void warning_lines::write_out() noexcept {
    write({line_, size_});
    size_ = 0;
}

} // namespace coring::lua::vm
