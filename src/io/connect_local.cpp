#include "io/connect_local.hpp"

#include "io/connect_now.hpp"
#include "op/operation_type.hpp"

#include <cerrno>

namespace coring::io {

namespace {

int connect_now(local_socket& from, const local_name& to) noexcept {
    if (from.fd < 0) {
        if (const auto opened = open_socket(from); !opened) {
            return opened.error();
        }
    }
    return connect_without_waiting(from.fd, to.native(), to.native_size());
}

void release(op::operation& done) noexcept {
    if (done.target != nullptr) {
        auto& from = static_cast<local_socket&>(*done.target);
        from.announcing = false;
        from.connecting = nullptr;
    }
    done.target = nullptr;
}

} // namespace

const op::operation_type connect_local_type = {
    .name = "connect",
    .on_leave = op::departure::go_on,
    .delivered_in = op::phase::transfers,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = release,
};

void connect_local_start(local_socket& from,
                         op::operation& idle,
                         const local_name& to) noexcept {
    idle.target = &from;
    idle.arm();
    const int failed = connect_now(from, to);
    if (failed == 0) {
        from.phase = stream_phase::connected;
    }
    from.announcing = true;
    from.connecting = &idle;
    from.on->settle(idle, -failed);
}

} // namespace coring::io
