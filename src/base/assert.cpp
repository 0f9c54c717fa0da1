#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace coring::base {

void assertion_failed(const char* text, const char* file, int line) noexcept {
    static_cast<void>(
        std::fprintf(stderr, "coring: %s:%d: assertion failed: %s\n", file, line, text));
    std::abort();
}

} // namespace coring::base
