// How a match becomes known. Where both parties are of one loop, the operation is put on its
// ready list by the one who came second: no thread and no system call is involved. Else the
// wait itself is the mail that is posted home, under the lock of the meeting point, so that
// whoever withdraws a wait in vain knows that its mail is in the mailbox already.
#include "io/await_channel.hpp"

#include "op/operation_type.hpp"

#include <cerrno>
#include <new>
#include <utility>

namespace coring::io {

// Belongs to its operation; or, once that has left with the mail on its way, to the mail.
struct channel_wait : base::mail, threadpool::party {
    channel_wait(loop::loop& home, threadpool::endpoint where) noexcept;

    loop::loop& on;
    op::operation* waiting = nullptr; // null: not started, or left
    channel* through = nullptr;       // null: closed meanwhile
    bool over = false;                // no match will become known any more
};

namespace {

// What a loop has to do with channels, from the first one until it closes.
struct channel_port : loop::companion {
    explicit channel_port(loop::loop& home) noexcept;

    loop::loop& on;
    base::intrusive_list<channel> open;
    std::uint32_t waits = 0; // that are not over
};

threadpool::rendezvous& meetings() noexcept {
    return threadpool::rendezvous::process();
}

channel_wait* wait_of(const op::operation& waiting) noexcept {
    return static_cast<channel_wait*>(waiting.data);
}

channel_port* port_of(loop::loop& on) noexcept {
    return static_cast<channel_port*>(on.channels());
}

void end_wait(channel_wait& ended) noexcept {
    ended.over = true;
    if (channel_port* port = port_of(ended.on); port != nullptr) {
        --port->waits;
    }
}

void tell(channel_wait& matched) noexcept {
    end_wait(matched);
    matched.on.settle(*matched.waiting, 0);
}

void arrive(base::mail& mail, void*) noexcept {
    auto& matched = static_cast<channel_wait&>(mail);
    if (matched.waiting == nullptr) {
        delete &matched; // its coroutine left: what was exchanged is lost
        return;
    }
    tell(matched);
}

void tell_here(void* matched) noexcept {
    tell(*static_cast<channel_wait*>(matched));
}

void knock(void* box) noexcept {
    static_cast<base::mailbox*>(box)->knock();
}

threadpool::announcement matched(threadpool::party& self, const void* by) noexcept {
    auto& waiting = static_cast<channel_wait&>(self);
    if (by == &waiting.on) {
        return {tell_here, &waiting}; // on its own thread: nothing comes between
    }
    base::mailbox& home = waiting.on.mailbox();
    return home.push(waiting) ? threadpool::announcement{knock, &home}
                              : threadpool::announcement{};
}

// Lets go of the object, which others may use now.
void leave_channel(channel_wait& of) noexcept {
    if (channel* through = std::exchange(of.through, nullptr); through != nullptr) {
        through->waiting = nullptr;
    }
}

void release(op::operation& done) noexcept {
    channel_wait* wait = wait_of(done);
    if (wait == nullptr) {
        return;
    }
    done.data = nullptr;
    leave_channel(*wait);
    if (!wait->over) {
        end_wait(*wait);
        if (!meetings().withdraw(*wait)) {
            wait->waiting = nullptr; // its mail is there already
            return;
        }
    }
    delete wait;
}

// The state closes: whoever comes from now on finds nobody. Matches that were made are in the
// mailbox, and still need their operations.
void close_port(loop::companion& ended) noexcept {
    auto& port = static_cast<channel_port&>(ended);
    port.on.for_each_operation([](op::operation& left) {
        if (left.type != &await_channel_type) {
            return;
        }
        if (channel_wait* wait = wait_of(left); wait != nullptr) {
            leave_channel(*wait);
            if (!wait->over && meetings().withdraw(*wait)) {
                left.data = nullptr;
                delete wait;
            }
        }
    });
    while (channel* left = port.open.front()) {
        channel_close(*left);
    }
    port.on.channels() = nullptr;
    delete &port;
}

channel_port::channel_port(loop::loop& home) noexcept : on{home} {
    dismissed = close_port;
}

bool make_port(loop::loop& on) noexcept {
    if (on.channels() == nullptr) {
        auto* made = new (std::nothrow) channel_port{on};
        if (made == nullptr) {
            return false;
        }
        on.adopt(*made);
        on.channels() = made;
    }
    return true;
}

} // namespace

channel_wait::channel_wait(loop::loop& home, threadpool::endpoint where) noexcept
    : party{io::matched, where}, on{home} {
    open = arrive;
}

const op::operation_type await_channel_type = {
    .name = "awaitch",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = release,
};

bool channel_open(loop::loop& on, channel& closed, std::string_view name) noexcept {
    closed.at = make_port(on) ? meetings().open(name) : nullptr;
    if (closed.at == nullptr) {
        return false;
    }
    port_of(on)->open.push_back(closed);
    return true;
}

void channel_close(channel& open) noexcept {
    open.unlink();
    meetings().close(*std::exchange(open.at, nullptr));
}

channel_wait* channel_wait_make(loop::loop& on,
                                threadpool::endpoint end,
                                threadpool::parcel& brings) noexcept {
    auto* made = make_port(on) ? new (std::nothrow) channel_wait{on, end} : nullptr;
    if (made != nullptr) {
        made->brings = &brings;
    }
    return made;
}

void channel_wait_discard(channel_wait& unused) noexcept {
    unused.brings = nullptr;
    delete &unused;
}

bool channel_wait_line_up(channel& on, channel_wait& coming) noexcept {
    return meetings().wait(*on.at, coming);
}

void await_channel_start(channel& on, op::operation& idle, channel_wait& in_line) noexcept {
    CORING_ASSERT(on.waiting == nullptr);
    on.waiting = &idle;
    in_line.through = &on;
    in_line.waiting = &idle;
    ++port_of(in_line.on)->waits;
    idle.data = &in_line;
    idle.arm();
}

const base::message& channel_values(const op::operation& delivered) noexcept {
    return wait_of(delivered)->gets->values;
}

bool await_channel_cancel(channel& closing) noexcept {
    op::operation& waiting = *closing.waiting;
    channel_wait& wait = *wait_of(waiting);
    leave_channel(wait);
    if (wait.over || !meetings().withdraw(wait)) {
        return false;
    }
    end_wait(wait);
    wait.on.pull(waiting, -ECANCELED);
    return true;
}

std::uint32_t channel_waits(loop::loop& on) noexcept {
    const channel_port* port = port_of(on);
    return port != nullptr ? port->waits : 0;
}

} // namespace coring::io
