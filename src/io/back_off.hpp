// When to try something that may be in vain: each time it was, twice as many chances as the
// time before are let pass.
#pragma once

#include <algorithm>
#include <cstdint>

namespace coring::io {

struct back_off {
    static constexpr int longest = 64;

    std::uint8_t left = 0; // so many chances still pass
    std::uint8_t next = 1; // and so many will, the next time it was in vain

    // One chance: whether it is to pass.
    [[nodiscard]] bool passes() noexcept {
        if (left == 0) {
            return false;
        }
        --left;
        return true;
    }

    // It was tried.
    void judge(bool in_vain) noexcept {
        left = in_vain ? next : std::uint8_t{0};
        next =
            in_vain ? static_cast<std::uint8_t>(std::min(2 * next, longest)) : std::uint8_t{1};
    }
};

} // namespace coring::io
