#include "io/stream.hpp"

#include "op/operation_type.hpp"

#include <cerrno>
#include <new>
#include <utility>

namespace coring::io {

namespace {

// Starts whoever is at the head of the line now. A verb without a ring entry is a call that
// does not wait: it is made on the spot.
void begin_turn(stream& to, op::operation& head) noexcept {
    to.writer = &head;
    if (head.type->prepare == nullptr) {
        const int answer = head.type->attempt(head);
        leave_line(to, head);
        to.on->settle_behind(head, answer);
        return;
    }
    to.on->queue_armed(head);
}

// Ends an operation of the line with `result`; the coroutine of a canceled one hears of it
// last.
void end_in_line(stream& of, op::operation& queued, int result) noexcept {
    const bool detached = queued.is_detached();
    of.on->settle(queued, result);
    if (!detached && result == -ECANCELED) {
        of.on->cancel_ready(queued);
    }
    if (!detached) {
        of.on->detach_from_object(queued); // `of` may be gone when it is delivered, if ever
    }
}

// What became of a queued operation that is tried once more because its stream closes. Once one
// of the line is cut short, no byte behind it may go out.
int last_attempt(op::operation& queued, bool cut) noexcept {
    if (cut || queued.type->attempt == nullptr) {
        return -ECANCELED;
    }
    const int answer = queued.type->attempt(queued);
    if (queued.type->finish == nullptr) {
        return answer;
    }
    return queued.type->finish(queued, answer) ? queued.result : -ECANCELED;
}

// Ends the head of the line. False if it was cut short.
bool close_head(stream& open, op::operation& head) noexcept {
    open.on->withdraw(head);
    if (open.writer == nullptr) { // the kernel reported it, and it left the line
        if (head.at == op::state::ready && head.result == -ECANCELED) {
            open.on->cancel_ready(head);
        }
        if (head.at == op::state::ready) {
            open.on->detach_from_object(head);
        }
        return head.result == 0; // of an abandoned one too, whose record is free by now
    }
    int result = -ECANCELED;
    if (head.in_kernel()) { // it was tried before and waits for room: nothing was lent
        head.go_again();
    } else {
        result = last_attempt(head, false);
    }
    open.writer = nullptr;
    end_in_line(open, head, result);
    return result == 0;
}

// A stream whose object is gone and whose abandoned writes are not done yet.
struct orphan : loop::companion, stream {};

void bury(loop::companion& dead) noexcept {
    auto& grave = static_cast<orphan&>(dead);
    static_cast<void>(close_stream(grave));
    delete &grave;
}

bool is_alive(const stream& of) noexcept {
    return of.phase == stream_phase::connected || of.phase == stream_phase::connecting;
}

void move_line(stream& from, stream& to) noexcept {
    to.behind.splice_back(from.behind);
    to.writer = std::exchange(from.writer, nullptr);
    to.writer->target = &to;
    to.behind.for_each([&](op::operation& next) { next.target = &to; });
}

} // namespace

int refuses_read(const stream& from) noexcept {
    return is_alive(from) && !from.unreadable ? 0 : ENOTCONN;
}

int refuses_write(const stream& to) noexcept {
    return is_alive(to) && !to.shut && !to.unwritable ? 0 : EPIPE;
}

int refuses_shutdown(const stream& of) noexcept {
    return refuses_write(of) == 0 ? 0 : ENOTCONN;
}

int refuses_connect(const stream& of) noexcept {
    if (of.announcing) {
        return EALREADY;
    }
    switch (of.phase) {
    case stream_phase::unconnected:
        return 0;
    case stream_phase::connecting:
        return EALREADY;
    case stream_phase::connected:
    case stream_phase::dead:
        return EISCONN;
    }
    return 0;
}

void adopt_descriptor(stream& closed, int fd) noexcept {
    CORING_ASSERT(closed.fd < 0);
    closed.fd = fd;
    closed.open = true;
    closed.phase = stream_phase::connected;
}

bool enter_line(stream& to, op::operation& armed) noexcept {
    if (to.writer != nullptr) {
        to.behind.push_back(armed);
        return false;
    }
    to.writer = &armed;
    return true;
}

void leave_line(stream& to, op::operation& ended) noexcept {
    if (to.writer != &ended) {
        return;
    }
    to.writer = nullptr;
    if (to.closing) {
        return; // close_stream ends the others itself
    }
    if (op::operation* next = to.behind.pop_front(); next != nullptr) {
        begin_turn(to, *next);
    } else if (to.orphaned) {
        // Reached from inside the engine, which must not be called back: the end comes later.
        to.on->dismiss(static_cast<orphan&>(to));
    }
}

void cancel_line(stream& to) noexcept {
    while (op::operation* next = to.behind.pop_front()) {
        end_in_line(to, *next, -ECANCELED);
    }
}

op::operation* close_stream(stream& open) noexcept {
    loop::loop& on = *open.on;
    op::operation* reader = std::exchange(open.reader, nullptr);
    if (reader != nullptr && reader->at == op::state::delivering) {
        reader = nullptr; // it is running already, and will see that the socket is closed
    }
    if (reader != nullptr) {
        on.pull(*reader, -ECANCELED);
    }
    open.closing = true;
    bool cut = open.writer != nullptr && !close_head(open, *open.writer);
    while (op::operation* next = open.behind.pop_front()) {
        const int result = last_attempt(*next, cut);
        cut = cut || result != 0;
        end_in_line(open, *next, result);
    }
    close_descriptor(open);
    open.closing = false;
    open.phase = stream_phase::unconnected;
    return reader;
}

void drop_stream(stream& open) noexcept {
    if (op::operation* reader = close_stream(open); reader != nullptr) {
        reader->drop_ready();
        open.on->conclude(*reader);
    }
}

bool outlives_object(const stream& abandoned) noexcept {
    return abandoned.writer != nullptr && abandoned.writer->is_detached();
}

void release_stream(stream& abandoned) noexcept {
    auto* heir = outlives_object(abandoned) ? new (std::nothrow) orphan : nullptr;
    if (heir == nullptr) {
        drop_stream(abandoned);
        return;
    }
    stream& body = *heir;
    const socket& state = abandoned; // all but the line, which moves below
    static_cast<socket&>(body) = state;
    body.orphaned = true;
    body.reader = nullptr;
    move_line(abandoned, body);
    body.on->moved(body);
    heir->dismissed = bury;
    body.on->adopt(*heir);
    abandoned.fd = -1;
    abandoned.open = false;
}

} // namespace coring::io
