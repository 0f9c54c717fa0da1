// How one delivery becomes many. The hub counts the deliveries of each signal in the process;
// every loop remembers, for each signal that is awaited on it, how many it has seen. Told that
// something was counted, it completes all who wait, with the number of the first delivery they
// had not seen. Who waits again in the resume that follows is compared by that number: if more
// were counted meanwhile, the next one completes it at once. So nobody misses a delivery, and
// loops and threads need not know of each other.
#include "io/wait_signal.hpp"

#include "op/operation_type.hpp"
#include "reactor/signal_hub.hpp"

#include <array>
#include <cerrno>
#include <new>

#include <signal.h> // kill
#include <unistd.h>

namespace coring::io {

struct signal_port;

// One signal on one loop.
struct awaited_signal {
    signal_port* port = nullptr;
    int number = 0;
    std::uint32_t claims = 0; // waits, and those that were resumed and have not gone on yet
    std::uint32_t seen = 0;   // deliveries told to those who waited
    reactor::signal_route route = reactor::signal_route::caught;
    op::operation_list waiting; // all of them have seen what `seen` says
};

struct knock_source : loop::source {
    signal_port* port = nullptr;
};

// What a loop has to do with signals, from the first wait until it closes. It watches the hub
// while there are claims.
struct signal_port : loop::companion {
    explicit signal_port(loop::loop& loop) noexcept;

    loop::loop& on;
    std::array<awaited_signal, reactor::signal_limit> signals;
    std::uint32_t claimed = 0;      // signals with claims
    std::uint32_t claimed_read = 0; // those of them that come by the signalfd
    int knock_fd = -1;
    knock_source knocked;
    knock_source pending;
};

namespace {

reactor::signal_hub& hub() noexcept {
    return reactor::signal_hub::process();
}

awaited_signal* signal_of(const op::operation& waiting) noexcept {
    return static_cast<awaited_signal*>(waiting.data);
}

// Completes those who wait if something new was counted.
void hand_out(awaited_signal& of) noexcept {
    const std::uint32_t counted = reactor::signal_hub::caught(of.number);
    if (counted == of.seen) {
        return;
    }
    const std::uint32_t first = of.seen + 1;
    of.seen = counted;
    while (op::operation* waiting = of.waiting.front()) {
        of.port->on.settle(*waiting, static_cast<int>(first));
    }
}

void hand_out_all(loop::source& told) noexcept {
    signal_port& port = *static_cast<knock_source&>(told).port;
    hub().count_pending();
    for (awaited_signal& each : port.signals) {
        if (each.claims > 0) {
            hand_out(each);
        }
    }
}

void close_port(loop::companion& ended) noexcept;

// --- subscribing ----------------------------------------------------------------------------

base::result<signal_port*> port_of(loop::loop& on) noexcept {
    if (on.signals() == nullptr) {
        auto* made = new (std::nothrow) signal_port{on};
        if (made == nullptr) {
            return base::failure{ENOMEM};
        }
        on.adopt(*made);
        on.signals() = made;
    }
    return static_cast<signal_port*>(on.signals());
}

base::result<void> watch_hub(signal_port& port) noexcept {
    if (port.claimed > 0) {
        return {};
    }
    auto fd = hub().knock_fd();
    if (!fd) {
        return base::failure{fd.error()};
    }
    if (auto watched = port.on.watch_edges(fd.value(), port.knocked); !watched) {
        return watched;
    }
    port.knock_fd = fd.value();
    return {};
}

void unwatch_hub(signal_port& port) noexcept {
    if (port.claimed == 0) {
        port.on.unwatch(port.knock_fd);
    }
}

// The first claim on this loop.
base::result<void> subscribe(awaited_signal& to) noexcept {
    signal_port& port = *to.port;
    if (auto watched = watch_hub(port); !watched) {
        return watched;
    }
    to.seen = reactor::signal_hub::caught(to.number);
    auto subscribed = hub().subscribe(to.number);
    if (!subscribed) {
        unwatch_hub(port);
        return base::failure{subscribed.error()};
    }
    to.route = subscribed.value();
    if (to.route == reactor::signal_route::read) {
        if (port.claimed_read == 0) {
            if (auto watched = port.on.watch(hub().pending_fd(), port.pending); !watched) {
                hub().unsubscribe(to.number);
                unwatch_hub(port);
                return watched;
            }
        }
        ++port.claimed_read;
    }
    ++port.claimed;
    return {};
}

void unsubscribe(awaited_signal& from) noexcept {
    signal_port& port = *from.port;
    hub().unsubscribe(from.number);
    if (from.route == reactor::signal_route::read && --port.claimed_read == 0) {
        port.on.unwatch(hub().pending_fd());
    }
    --port.claimed;
    unwatch_hub(port);
}

void end_claim(op::operation& of) noexcept {
    awaited_signal* signal = signal_of(of);
    of.data = nullptr;
    if (signal != nullptr && --signal->claims == 0) {
        unsubscribe(*signal);
    }
}

// The claim outlives the results: whoever was resumed may wait again until it suspends or ends.
// Then the record is concluded, or serves another await.
void release(op::operation& done) noexcept {
    if (done.at != op::state::delivering) {
        end_claim(done);
    }
}

void close_port(loop::companion& ended) noexcept {
    auto& port = static_cast<signal_port&>(ended);
    port.on.for_each_operation([](op::operation& left) {
        if (left.type == &wait_signal_type && left.data != nullptr) {
            if (left.at == op::state::queued) {
                left.unlink();
            }
            end_claim(left);
        }
    });
    port.on.signals() = nullptr;
    delete &port;
}

} // namespace

signal_port::signal_port(loop::loop& loop) noexcept : on{loop} {
    dismissed = close_port;
    knocked.port = pending.port = this;
    knocked.readable = pending.readable = hand_out_all;
    for (int number = 0; number < reactor::signal_limit; ++number) {
        awaited_signal& each = signals[static_cast<std::size_t>(number)];
        each.port = this;
        each.number = number;
    }
}

const op::operation_type wait_signal_type = {
    .name = "awaitsig",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = release,
    .moved_on = end_claim,
};

base::result<signal_claim>
claim_signal(loop::loop& on, op::operation* delivered, int signal) noexcept {
    if (delivered != nullptr && delivered->type == &wait_signal_type) {
        awaited_signal* held = signal_of(*delivered);
        if (held != nullptr && held->number == signal) {
            delivered->data = nullptr;
            return signal_claim{held, static_cast<std::uint32_t>(delivered->result)};
        }
    }
    auto port = port_of(on);
    if (!port) {
        return base::failure{port.error()};
    }
    awaited_signal& wanted = port.value()->signals[static_cast<std::size_t>(signal)];
    if (wanted.claims == 0) {
        if (auto subscribed = subscribe(wanted); !subscribed) {
            return base::failure{subscribed.error()};
        }
    } else {
        hand_out(wanted); // to those who waited already
    }
    ++wanted.claims;
    return signal_claim{&wanted, wanted.seen};
}

void wait_signal_start(loop::loop& on,
                       op::operation& idle,
                       const signal_claim& claim) noexcept {
    awaited_signal& wanted = *claim.of;
    hand_out(wanted);
    idle.data = &wanted;
    idle.arm();
    if (wanted.seen == claim.taken) {
        wanted.waiting.push_back(idle);
    } else {
        on.settle(idle, static_cast<int>(claim.taken + 1));
    }
}

int emit_signal(int pid, int signal) noexcept {
    if (::kill(pid, signal) != 0) {
        return errno;
    }
    if (pid <= 0 || pid == ::getpid()) {
        hub().count_pending(); // the next one sent would be merged with this one
    }
    return 0;
}

} // namespace coring::io
