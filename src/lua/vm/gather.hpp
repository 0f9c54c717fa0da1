// Writes of several strings and memories at once: a table of them in place of the data (ours).
// The bytes count as if they stood in a row.
#pragma once

#include "lua/vm/scheduler.hpp"

#include <array>
#include <cstddef>
#include <span>

#include <sys/uio.h>

namespace coring::lua::vm {

// Where the bytes of a table's elements are, in order, as long as nothing is allocated.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): check() fills what it counts
class gathered_bytes {
public:
    // The range that i and j at `arg` + 1 and `arg` + 2 name, of the table at `arg`. Raises
    // unless its elements are strings, numbers and memories. May leave values on the stack.
    void check(lua_State* L, int arg, const scheduler& on);

    [[nodiscard]] std::span<const iovec> parts() const noexcept { return parts_; }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::size_t few = 32;

    void trim(std::size_t offset, std::size_t size) noexcept;

    std::array<iovec, few> room_;
    std::span<iovec> parts_;
    std::size_t size_ = 0;
};

// Replaces the table at `arg` by a string of all its bytes, for what needs them in one place.
void join_gathered(lua_State* L, int arg, const scheduler& on);

} // namespace coring::lua::vm
