#include "io/flow.hpp"

#include "io/flow_now.hpp"
#include "io/socket.hpp"
#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include <poll.h>

namespace coring::io {

namespace {

file& file_of(const op::operation& of) noexcept {
    return static_cast<file&>(*of.target);
}

// --- read -----------------------------------------------------------------------------------

void begin_flow_read(op::operation& next) noexcept {
    file& from = file_of(next);
    from.reader = &next;
    from.on->queue_armed(next);
}

in_line reading{begin_flow_read};

void prepare_read(op::operation& waiting, proactor::submission& entry) noexcept {
    entry.poll(waiting.target->fd, POLLIN);
}

void release_read(op::operation& done) noexcept {
    if (done.data == nullptr) {
        return;
    }
    file& from = file_of(done);
    done.data = nullptr;
    release_reader(done);
    leave_line(from, from.input, done);
    let_go(from);
}

// --- write ----------------------------------------------------------------------------------

// A copy of the bytes stands behind this structure.
struct flow_write : in_line {
    std::size_t size;
    std::size_t count; // bytes written

    [[nodiscard]] std::string_view rest() const noexcept {
        return {reinterpret_cast<const char*>(this + 1) + count, size - count};
    }
};

flow_write& write_of(const op::operation& of) noexcept {
    return *static_cast<flow_write*>(static_cast<in_line*>(of.data));
}

file_attempt flow_write_now(file& to, std::string_view bytes) noexcept {
    return write_flowing(to.fd, to.quick_writes, bytes);
}

void begin_flow_write(op::operation& next) noexcept {
    file& to = file_of(next);
    to.writer = &next;
    to.on->queue_armed(next);
}

void prepare_write(op::operation& waiting, proactor::submission& entry) noexcept {
    entry.poll(waiting.target->fd, POLLOUT);
}

// Ready, or waiting failed. False: there was room for a part only.
bool finish_write(op::operation& ready, int answer) noexcept {
    file& to = file_of(ready);
    flow_write& data = write_of(ready);
    file_attempt made;
    made.failed = answer < 0 ? -answer : 0;
    if (answer >= 0) {
        made = flow_write_now(to, data.rest());
        data.count += made.count;
    }
    if (made.waits()) {
        to.filled();
        return false;
    }
    ready.result = data.count > 0 ? static_cast<int>(data.count) : -made.failed;
    return true;
}

// The waiter leaves. A write that has not begun never does.
void take_over_write(op::operation& waiting) noexcept {
    if (write_of(waiting).count == 0) {
        file_of(waiting).on->pull(waiting, -ECANCELED);
    }
}

void release_write(op::operation& done) noexcept {
    if (done.data == nullptr) {
        return;
    }
    file& to = file_of(done);
    std::free(&write_of(done));
    done.data = nullptr;
    done.target = nullptr;
    if (to.writer == &done) {
        to.writer = nullptr;
    }
    leave_line(to, to.position, done);
    let_go(to);
}

} // namespace

const op::operation_type flow_read_type = {
    .name = "file:read",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::in,
    .prepare = prepare_read,
    .attempt = nullptr,
    .finish = finish_readiness,
    .take_over = nullptr,
    .release = release_read,
};

const op::operation_type flow_write_type = {
    .name = "file:write",
    .on_leave = op::departure::unqueue,
    .delivered_in = op::phase::events,
    .side = op::direction::out,
    .prepare = prepare_write,
    .attempt = nullptr,
    .finish = finish_write,
    .take_over = take_over_write,
    .release = release_write,
};

void flow_read_start(file& from, op::operation& idle) noexcept {
    hold(from);
    idle.target = &from;
    idle.data = &reading;
    idle.arm();
    if (enter_line(from.input, idle)) {
        begin_flow_read(idle);
    }
}

void flow_read_again(op::operation& delivering) noexcept {
    delivering.target->readable = false; // see recv_again()
    delivering.requeue();
    file_of(delivering).on->queue_armed(delivering);
}

int flow_read_now(file& from, std::span<char> into) noexcept {
    const int answer = read_flowing(from.fd, from.quick_reads, into);
    if (answer == -EAGAIN) {
        from.drained();
    }
    return answer;
}

int flow_write_start(file& to, op::operation& idle, std::string_view bytes) noexcept {
    bytes = bytes.substr(0, most_at_once);
    file_attempt made{0, EAGAIN};
    if (to.position.head == nullptr) {
        made = flow_write_now(to, bytes);
    }
    if (!made.waits()) {
        idle.arm();
        to.on->settle(idle, made.result());
        return 0;
    }
    void* block = std::malloc(sizeof(flow_write) + bytes.size());
    if (block == nullptr) {
        return ENOMEM;
    }
    std::memcpy(static_cast<char*>(block) + sizeof(flow_write), bytes.data(), bytes.size());
    auto* data = new (block) flow_write{{begin_flow_write}, bytes.size(), made.count};
    hold(to);
    idle.target = &to;
    idle.data = static_cast<in_line*>(data);
    idle.arm();
    if (enter_line(to.position, idle)) {
        begin_flow_write(idle);
    }
    return 0;
}

} // namespace coring::io
