#include "base/environment.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <unistd.h>

namespace coring::base {

namespace {

// Constant-initialized and trivial to destroy: it works before main and after exit.
std::mutex guard; // NOLINT(cert-err58-cpp)

struct environment_size {
    std::size_t count;
    std::size_t text;
};

// Requires the guard.
environment_size measure() noexcept {
    environment_size size{0, 0};
    if (environ != nullptr) {
        for (char** each = environ; *each != nullptr; ++each) {
            ++size.count;
            size.text += std::strlen(*each) + 1;
        }
    }
    return size;
}

} // namespace

std::size_t read_variable(const char* name, std::span<char> room) noexcept {
    CORING_ASSERT(!room.empty());
    const std::lock_guard<std::mutex> hold{guard};
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): that is the guard's
    if (value == nullptr) {
        room.front() = '\0';
        return 0;
    }
    const std::size_t size = std::strlen(value);
    const std::size_t copied = std::min(size, room.size() - 1);
    std::memcpy(room.data(), value, copied);
    room[copied] = '\0';
    return size + 1;
}

int write_variable(const char* name, const char* value) noexcept {
    const std::lock_guard<std::mutex> hold{guard};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): that is what the guard is for
    const int done = value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
    return done == 0 ? 0 : errno;
}

std::size_t copy_environment(std::span<char> room) noexcept {
    const std::lock_guard<std::mutex> hold{guard};
    const environment_size size = measure();
    const std::size_t needed = environment_writer::room_for(size.count, size.text);
    if (needed <= room.size()) {
        environment_writer into{room.data(), size.count};
        for (std::size_t at = 0; at < size.count; ++at) {
            into.add(environ[at]);
        }
    }
    return needed;
}

environment_writer::environment_writer(void* block, std::size_t count) noexcept
    : next_{static_cast<char**>(block)}, text_{reinterpret_cast<char*>(next_ + count + 1)} {
    *next_ = nullptr;
}

void environment_writer::add(std::string_view text) noexcept {
    *next_++ = text_;
    *next_ = nullptr;
    text_ = std::copy(text.begin(), text.end(), text_);
    *text_++ = '\0';
}

} // namespace coring::base
