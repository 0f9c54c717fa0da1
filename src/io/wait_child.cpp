#include "io/wait_child.hpp"

#include "op/operation_type.hpp"
#include "reactor/child_watch.hpp"
#include "threadpool/caretaker.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include <unistd.h>

namespace coring::io {

struct child : loop::source, threadpool::ward {
    loop::loop* on = nullptr;
    op::operation* waiting = nullptr;
    pid_t pid = -1;
    int end = reactor::still_runs;
};

namespace {

void discard(child& ended) noexcept {
    ::close(std::exchange(ended.fd, -1));
    delete &ended;
}

// The loop found the pidfd readable.
void look(loop::source& ready) noexcept {
    auto& of = static_cast<child&>(ready);
    of.end = reactor::reap_child(of.fd);
    if (of.end == reactor::still_runs) {
        return;
    }
    of.on->unwatch(of.fd);
    if (op::operation* waiting = of.waiting; waiting != nullptr) {
        waiting->data = nullptr;
        of.on->settle(*waiting, of.end);
        discard(of);
    }
}

// The same for the caretaker, who does not care how it ended.
bool reap_unseen(threadpool::ward& ready) noexcept {
    auto& of = static_cast<child&>(ready);
    if (reactor::reap_child(of.fd) == reactor::still_runs) {
        return false;
    }
    discard(of);
    return true;
}

void release(op::operation& done) noexcept {
    if (done.data != nullptr) {
        child_abandon(*static_cast<child*>(std::exchange(done.data, nullptr)));
    }
}

} // namespace

// It stays queued while it waits: the engine has nothing to do with it.
const op::operation_type wait_child_type = {
    .name = "execute",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = release,
};

base::result<child*> child_start(loop::loop& on, const spawn_request& wanted) noexcept {
    if (const auto prepared = on.prepare_to_watch(); !prepared) {
        return base::failure{prepared.error()};
    }
    auto* made = new (std::nothrow) child;
    if (made == nullptr) {
        return base::failure{ENOMEM};
    }
    auto started = spawn(wanted);
    if (!started) {
        delete made;
        return base::failure{started.error()};
    }
    made->readable = look;
    made->attend = reap_unseen;
    made->on = &on;
    made->pid = started.value().pid;
    made->fd = started.value().pidfd.release();
    if (const auto watched = on.watch(made->fd, *made); !watched) {
        // Nobody would ever hear of it: as if it had never been.
        reactor::kill_child(made->fd);
        reactor::await_child_end(made->fd);
        discard(*made);
        return base::failure{watched.error()};
    }
    return made;
}

pid_t child_pid(const child& of) noexcept {
    return of.pid;
}

void wait_child_start(child& awaited, op::operation& idle) noexcept {
    idle.arm();
    if (awaited.end != reactor::still_runs) {
        awaited.on->settle(idle, awaited.end);
        discard(awaited);
        return;
    }
    idle.data = &awaited;
    awaited.waiting = &idle;
}

void child_abandon(child& unwanted) noexcept {
    if (unwanted.end != reactor::still_runs) {
        discard(unwanted);
        return;
    }
    unwanted.waiting = nullptr;
    unwanted.on->unwatch(unwanted.fd);
    threadpool::caretaker::process().take(unwanted);
}

} // namespace coring::io
