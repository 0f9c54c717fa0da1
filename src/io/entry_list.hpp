// What is learned about the system piece by piece and looked at later: a list that grows, of
// plain data, and whose memory may run out without ending the process.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace coring::io {

template <typename Entry>
class entry_list {
    static_assert(std::is_trivially_copyable_v<Entry>);
    static_assert(std::is_trivially_destructible_v<Entry>);

public:
    entry_list() noexcept = default;

    entry_list(entry_list&& other) noexcept
        : entries_{std::exchange(other.entries_, nullptr)},
          count_{std::exchange(other.count_, 0)}, room_{std::exchange(other.room_, 0)} {}

    entry_list& operator=(entry_list&& other) noexcept {
        std::swap(entries_, other.entries_);
        std::swap(count_, other.count_);
        std::swap(room_, other.room_);
        return *this;
    }

    entry_list(const entry_list&) = delete;
    entry_list& operator=(const entry_list&) = delete;

    ~entry_list() { std::free(entries_); }

    // False when memory is short.
    [[nodiscard]] bool add(const Entry& entry) noexcept {
        if (count_ == room_ && !grow()) {
            return false;
        }
        entries_[count_++] = entry;
        return true;
    }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }

    // Requires index < size().
    [[nodiscard]] Entry& operator[](std::size_t index) noexcept { return entries_[index]; }

    [[nodiscard]] const Entry& operator[](std::size_t index) const noexcept {
        return entries_[index];
    }

    [[nodiscard]] Entry* begin() noexcept { return entries_; }

    [[nodiscard]] Entry* end() noexcept { return entries_ + count_; }

private:
    [[nodiscard]] bool grow() noexcept {
        const std::size_t room = room_ == 0 ? 8 : 2 * room_;
        void* moved = std::realloc(entries_, room * sizeof(Entry));
        if (moved == nullptr) {
            return false;
        }
        entries_ = static_cast<Entry*>(moved);
        room_ = room;
        return true;
    }

    Entry* entries_ = nullptr;
    std::size_t count_ = 0;
    std::size_t room_ = 0;
};

} // namespace coring::io
