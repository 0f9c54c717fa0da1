// A value or a positive errno. The interface is that of std::expected, so that it can become it
// once the compilers we support have it.
#pragma once

#include "base/assert.hpp"

#include <type_traits>
#include <utility>

namespace coring::base {

// What a call failed with: an errno value of Linux, greater than zero.
struct failure {
    int code;
};

template <typename Value>
class [[nodiscard]] result {
    static_assert(std::is_nothrow_move_constructible_v<Value>);

public:
    // Implicit, as with std::expected: functions return a value or a failure.
    // NOLINTBEGIN(google-explicit-constructor)
    result(Value value) noexcept : value_{std::move(value)} {}

    result(failure reason) noexcept : code_{reason.code} { CORING_ASSERT(reason.code > 0); }

    // NOLINTEND(google-explicit-constructor)

    [[nodiscard]] bool has_value() const noexcept { return code_ == 0; }

    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    // Requires has_value().
    [[nodiscard]] Value& value() noexcept {
        CORING_ASSERT(has_value());
        return value_;
    }

    // Requires !has_value().
    [[nodiscard]] int error() const noexcept {
        CORING_ASSERT(!has_value());
        return code_;
    }

private:
    Value value_{};
    int code_ = 0;
};

template <>
class [[nodiscard]] result<void> {
public:
    result() noexcept = default;

    // NOLINTNEXTLINE(google-explicit-constructor)
    result(failure reason) noexcept : code_{reason.code} {}

    [[nodiscard]] bool has_value() const noexcept { return code_ == 0; }

    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] int error() const noexcept { return code_; }

private:
    int code_ = 0;
};

} // namespace coring::base
