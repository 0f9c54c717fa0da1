#include "io/give_now.hpp"

#include "io/flow_now.hpp"
#include "io/send_now.hpp"

#include <sys/socket.h>

namespace coring::io {

int give_now(stream& to, std::string_view bytes) noexcept {
    if (!to.plain) {
        return send_aligned_now(to.fd, bytes);
    }
    bool quick = to.quick_writes;
    const file_attempt made = write_flowing(to.fd, quick, bytes.substr(0, most_at_once));
    to.quick_writes = quick;
    return made.result();
}

int give_gathered_now(stream& to, std::span<const iovec> parts) noexcept {
    if (!to.plain) {
        return send_gathered_now(to.fd, parts);
    }
    std::size_t sent = 0;
    for (const iovec& part : parts) {
        const int answer =
            give_now(to, {static_cast<const char*>(part.iov_base), part.iov_len});
        if (answer < 0) {
            return sent > 0 ? static_cast<int>(sent) : answer;
        }
        sent += static_cast<std::size_t>(answer);
        if (static_cast<std::size_t>(answer) < part.iov_len) {
            break;
        }
    }
    return static_cast<int>(sent);
}

void break_off(stream& to) noexcept {
    if (to.plain) {
        to.phase = stream_phase::dead; // all that can be done
    } else {
        ::shutdown(to.fd, SHUT_RDWR);
    }
}

} // namespace coring::io
