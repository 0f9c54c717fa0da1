#include "io/send.hpp"

#include "io/give_now.hpp"
#include "io/send_data.hpp"
#include "io/send_now.hpp"
#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace coring::io {

namespace {

send_data& data_of(op::operation& write) noexcept {
    return *static_cast<send_data*>(write.data);
}

stream& stream_of(op::operation& write) noexcept {
    return static_cast<stream&>(*write.target);
}

// What passes a descriptor, or goes to what is no socket, is not sent by the ring, which only
// tells when there is room.
void prepare(op::operation& write, proactor::submission& entry) noexcept {
    send_data& data = data_of(write);
    data.asked = data.passed >= 0 || stream_of(write).plain;
    if (data.asked) {
        entry.poll(write.target->fd, POLLOUT);
        return;
    }
    const std::size_t ahead = bytes_ahead(data.rest());
    const std::size_t size = ahead > 0 ? ahead : std::min(data.left, most_at_once);
    const int more = ahead > 0 ? MSG_MORE : 0;
    entry.send(write.target->fd, data.bytes, size, MSG_NOSIGNAL | MSG_WAITALL | more);
}

int attempt(op::operation& write) noexcept {
    send_data& data = data_of(write);
    if (data.passed < 0) {
        return give_now(stream_of(write), data.rest());
    }
    const int answer = send_passing_now(write.target->fd, data.rest(), data.passed);
    if (answer > 0) {
        data.passed_on();
    }
    return answer;
}

// Ends the claims on the stream, which may go before the record does.
void release(op::operation& done) noexcept {
    if (done.data != nullptr) {
        give_back(stream_of(done).on->blocks(), data_of(done));
        done.data = nullptr;
    }
    done.target = nullptr;
}

// Counts what went out. True when the write has ended, with its result set.
bool finish(op::operation& write, int answer) noexcept {
    stream& to = stream_of(write);
    auto& data = data_of(write);
    if (std::exchange(data.asked, false) && answer > 0) {
        answer = attempt(write);
    }
    if (answer > 0) {
        data.gone(static_cast<std::size_t>(answer));
    }
    const bool refused =
        answer < 0 && answer != -EAGAIN && answer != -EINTR && answer != -ECANCELED;
    if (data.left == 0) {
        write.result = 0;
    } else if (refused) {
        write.result = answer;
    } else if (to.closing || (answer == -ECANCELED && !to.taking_over)) {
        write.result = -ECANCELED;
    } else {
        return false;
    }
    release(write);
    leave_line(to, write);
    return true;
}

// The waiter leaves and with it the memory it lent: what is left goes on from a copy.
void take_over(op::operation& write) noexcept {
    stream& to = stream_of(write);
    if (data_of(write).copied > 0) {
        return;
    }
    if (write.in_kernel()) {
        to.taking_over = true;
        to.on->withdraw(write);
        to.taking_over = false;
        if (write.at == op::state::ready) {
            return; // it ended just now
        }
        if (write.in_kernel()) {
            write.go_again();
            to.on->queue_armed(write);
        }
    }
    send_data& lent = data_of(write);
    if (send_data* copy = copy_bytes(to.on->blocks(), lent.rest()); copy != nullptr) {
        copy->passed = std::exchange(lent.passed, -1);
        write.data = copy;
        give_back(to.on->blocks(), lent);
    } else {
        // No memory to keep the promise with: the peer learns of it as a broken stream.
        break_off(to);
        lent.left = 0;
    }
}

bool is_small(std::size_t size) noexcept {
    return size <= base::block_pool::largest_class;
}

// Whether the call may be made on the spot: outside of run, in quiet turns, and for bytes that
// would cost a large copy to keep; busy turns batch (docs/decisions/0007).
bool may_send_now(const stream& to, bool costly) noexcept {
    const bool first = to.writer == nullptr && to.phase == stream_phase::connected;
    return first && (!to.on->in_turn() || to.on->quiet() || costly);
}

bool is_refusal(int answer) noexcept {
    return answer < 0 && answer != -EAGAIN;
}

// The result is known at once.
int settle_now(stream& to, op::operation& idle, int result) noexcept {
    idle.arm();
    to.on->settle(idle, result);
    return 0;
}

int wait_in_line(stream& to, op::operation& idle, send_data* data) noexcept {
    idle.data = data;
    idle.target = &to;
    idle.arm();
    if (enter_line(to, idle)) {
        to.on->queue_armed(idle);
    }
    return 0;
}

// There is no memory for the rest. Bytes that went out cannot be called back: the rest is then
// owed by a dead stream.
int out_of_memory(stream& to, std::size_t sent) noexcept {
    if (sent > 0) {
        break_off(to);
    }
    return ENOMEM;
}

// A few bytes are copied sooner than watched over.
constexpr std::size_t few = 512;

send_data* keep(stream& to, std::string_view bytes, source kept) noexcept {
    const bool copy = kept == source::moves || bytes.size() <= few ||
                      (kept == source::changes && is_small(bytes.size()));
    return copy ? copy_bytes(to.on->blocks(), bytes) : refer_to_bytes(to.on->blocks(), bytes);
}

} // namespace

const op::operation_type send_type = {
    .name = "write",
    .on_leave = op::departure::go_on,
    .delivered_in = op::phase::transfers,
    .side = op::direction::out,
    .prepare = prepare,
    .attempt = attempt,
    .finish = finish,
    .take_over = take_over,
    .release = release,
};

int send_start(stream& to, op::operation& idle, std::string_view bytes, source kept) noexcept {
    int answer = -EAGAIN;
    if (!bytes.empty() && may_send_now(to, kept != source::stays && !is_small(bytes.size()))) {
        answer = give_now(to, bytes);
        if (answer > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(answer));
        }
    }
    if (bytes.empty() || is_refusal(answer)) {
        return settle_now(to, idle, is_refusal(answer) ? answer : 0);
    }
    send_data* data = keep(to, bytes, kept);
    if (data == nullptr) {
        return out_of_memory(to, answer > 0 ? static_cast<std::size_t>(answer) : 0);
    }
    return wait_in_line(to, idle, data);
}

int send_gathered_start(stream& to,
                        op::operation& idle,
                        std::span<const iovec> parts,
                        std::size_t size) noexcept {
    std::size_t sent = 0;
    int answer = -EAGAIN;
    if (size > 0 && may_send_now(to, !is_small(size))) {
        answer = give_gathered_now(to, parts);
        sent = answer > 0 ? static_cast<std::size_t>(answer) : 0;
    }
    if (sent == size || is_refusal(answer)) {
        return settle_now(to, idle, is_refusal(answer) ? answer : 0);
    }
    send_data* data = copy_parts(to.on->blocks(), parts, sent, size - sent);
    if (data == nullptr) {
        return out_of_memory(to, sent);
    }
    return wait_in_line(to, idle, data);
}

int send_passing_start(stream& to,
                       op::operation& idle,
                       std::string_view bytes,
                       source kept,
                       int passed) noexcept {
    int answer = -EAGAIN;
    if (may_send_now(to, true)) {
        answer = send_passing_now(to.fd, bytes, passed);
        if (is_refusal(answer)) {
            return settle_now(to, idle, answer);
        }
        if (answer > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(answer));
        }
    }
    if (bytes.empty()) {
        return settle_now(to, idle, 0);
    }
    // The caller may close the descriptor meanwhile.
    const int copy = answer > 0 ? -1 : ::fcntl(passed, F_DUPFD_CLOEXEC, 0);
    if (answer <= 0 && copy < 0) {
        return errno;
    }
    send_data* data = keep(to, bytes, kept);
    if (data == nullptr) {
        if (copy >= 0) {
            ::close(copy);
        }
        return out_of_memory(to, answer > 0 ? static_cast<std::size_t>(answer) : 0);
    }
    data->passed = copy;
    return wait_in_line(to, idle, data);
}

bool lends(const op::operation& write) noexcept {
    return write.data != nullptr && static_cast<const send_data*>(write.data)->copied == 0;
}

} // namespace coring::io
