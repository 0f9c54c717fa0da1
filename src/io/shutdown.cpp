#include "io/shutdown.hpp"

#include "op/operation_type.hpp"

#include <cerrno>

#include <sys/socket.h>

namespace coring::io {

namespace {

// Never waits, so it needs no ring entry: the line of writers calls it when its turn comes.
int attempt(op::operation& ending) noexcept {
    return ::shutdown(ending.target->fd, SHUT_WR) == 0 ? 0 : -errno;
}

} // namespace

const op::operation_type shutdown_type = {
    .name = "shutdown",
    .on_leave = op::departure::go_on,
    .delivered_in = op::phase::transfers,
    .side = op::direction::out,
    .prepare = nullptr,
    .attempt = attempt,
    .finish = nullptr,
    .take_over = nullptr,
    .release = nullptr,
};

void shutdown_start(stream& of, op::operation& idle) noexcept {
    of.shut = !of.plain; // the call will fail then, and leave things as they are
    idle.target = &of;
    idle.arm();
    if (enter_line(of, idle)) {
        const int answer = attempt(idle);
        leave_line(of, idle);
        of.on->settle(idle, answer);
    }
}

} // namespace coring::io
