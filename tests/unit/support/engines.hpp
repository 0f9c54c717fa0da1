// The engines a test runs on, roomy and tiny.
#pragma once

#include "loop/engine_choice.hpp"
#include "unit/support/guarded.hpp"

#include <cstring>
#include <string>

namespace coring::support {

struct engine_setup {
    const char* name;
    loop::engine_wish wish;
};

inline constexpr engine_setup roomy_ring{"uring", {loop::engine_kind::uring, 256}};
inline constexpr engine_setup ring_of_two{"uring_2", {loop::engine_kind::uring, 2}};
inline constexpr engine_setup ring_of_one{"uring_1", {loop::engine_kind::uring, 1}};
inline constexpr engine_setup readiness{"epoll", {loop::engine_kind::epoll, 256}};

// A fixture with an engine as parameter, instantiated with ON_ALL_ENGINES.
class on_an_engine : public guarded, public ::testing::WithParamInterface<engine_setup> {
protected:
    [[nodiscard]] static bool on_ring() {
        return GetParam().wish.kind == loop::engine_kind::uring;
    }
};

inline std::string name_of_setup(const ::testing::TestParamInfo<engine_setup>& info) {
    return info.param.name;
}

inline void PrintTo(const engine_setup& setup, std::ostream* out) {
    *out << setup.name;
}

} // namespace coring::support

#define ON_ALL_ENGINES(fixture)                                                                \
    INSTANTIATE_TEST_SUITE_P(                                                                  \
        each, fixture,                                                                         \
        ::testing::Values(::coring::support::roomy_ring, ::coring::support::ring_of_two,       \
                          ::coring::support::ring_of_one, ::coring::support::readiness),       \
        ::coring::support::name_of_setup)

// In SetUp: a system that refuses the ring skips aloud; anything else is a failure.
#define SKIP_IF_REFUSED(opened)                                                                \
    do {                                                                                       \
        if (!(opened) && on_ring()) {                                                          \
            GTEST_SKIP() << "the ring is refused here: " << std::strerror((opened).error());   \
        }                                                                                      \
        ASSERT_TRUE((opened).has_value());                                                     \
    } while (false)
