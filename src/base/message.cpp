#include "base/message.hpp"

#include "base/assert.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace coring::base {

message::message(message&& other) noexcept
    : values_{std::exchange(other.values_, nullptr)},
      free_bytes_{std::exchange(other.free_bytes_, nullptr)},
      count_{std::exchange(other.count_, 0)}, room_{std::exchange(other.room_, 0)} {}

message& message::operator=(message&& other) noexcept {
    if (this != &other) {
        clear();
        values_ = std::exchange(other.values_, nullptr);
        free_bytes_ = std::exchange(other.free_bytes_, nullptr);
        count_ = std::exchange(other.count_, 0);
        room_ = std::exchange(other.room_, 0);
    }
    return *this;
}

bool message::reserve(std::size_t values, std::size_t bytes) noexcept {
    clear();
    if (values == 0) {
        return true;
    }
    std::size_t size = 0;
    if (__builtin_mul_overflow(values, sizeof(message_value), &size) ||
        __builtin_add_overflow(size, bytes, &size)) {
        return false;
    }
    void* block = std::malloc(size);
    if (block == nullptr) {
        return false;
    }
    values_ = static_cast<message_value*>(block);
    free_bytes_ = static_cast<char*>(block) + values * sizeof(message_value);
    room_ = values;
    return true;
}

message_value& message::next(value_kind kind) noexcept {
    CORING_ASSERT(count_ < room_);
    auto* added = new (values_ + count_) message_value{};
    added->kind = kind;
    ++count_;
    return *added;
}

void message::add(std::string_view value) noexcept {
    message_value& added = next(value_kind::string);
    added.size = value.size();
    added.bytes = free_bytes_;
    if (!value.empty()) {
        std::memcpy(free_bytes_, value.data(), value.size());
    }
    free_bytes_ += value.size();
}

void message::clear() noexcept {
    std::free(values_);
    values_ = nullptr;
    free_bytes_ = nullptr;
    count_ = 0;
    room_ = 0;
}

} // namespace coring::base
