// System calls that answer with a value or a negative errno.
#pragma once

#include <cerrno>

namespace coring::io {

// Makes the call, again if a signal interrupted it, and turns its -1 into a negative errno.
template <typename Call>
[[nodiscard]] auto kernel_call(Call call) noexcept -> decltype(call()) {
    decltype(call()) got;
    do {
        got = call();
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

} // namespace coring::io
