#include "io/send.hpp"

#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace coring::io {

namespace {

constexpr std::size_t most_at_once = 0x7ffff000;

struct send_data {
    const char* bytes; // what is left
    std::size_t left;
    char* block; // memory of ours that holds the bytes, or null
    std::size_t block_size;
};

stream& stream_of(op::operation& write) noexcept {
    return static_cast<stream&>(*write.target);
}

// SIGPIPE never: the process's disposition is the host's affair.
int send_now(int fd, const send_data& data) noexcept {
    const std::size_t size = std::min(data.left, most_at_once);
    ssize_t count = -1;
    do {
        count = ::send(fd, data.bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : static_cast<int>(count);
}

void prepare(op::operation& write, proactor::submission& entry) noexcept {
    const auto& data = write.payload_as<send_data>();
    entry.send(write.target->fd, data.bytes, std::min(data.left, most_at_once),
               MSG_NOSIGNAL | MSG_WAITALL);
}

int attempt(op::operation& write) noexcept {
    return send_now(write.target->fd, write.payload_as<send_data>());
}

// Counts what went out. True when the write has ended, with its result set.
bool finish(op::operation& write, int answer) noexcept {
    stream& to = stream_of(write);
    auto& data = write.payload_as<send_data>();
    if (answer > 0) {
        data.bytes += answer;
        data.left -= static_cast<std::size_t>(answer);
    }
    const bool refused = answer < 0 && answer != -EAGAIN && answer != -EINTR &&
                         answer != -ECANCELED;
    if (data.left == 0) {
        write.result = 0;
    } else if (refused) {
        write.result = answer;
    } else if (to.closing || (answer == -ECANCELED && !to.taking_over)) {
        write.result = -ECANCELED;
    } else {
        return false;
    }
    leave_line(to, write);
    return true;
}

bool capture(loop::loop& on, send_data& data) noexcept {
    char* block = on.blocks().take(data.left);
    if (block == nullptr) {
        return false;
    }
    std::memcpy(block, data.bytes, data.left);
    data.bytes = block;
    data.block = block;
    data.block_size = data.left;
    return true;
}

// The waiter leaves and with it the memory it lent: what is left goes on from a copy.
void take_over(op::operation& write) noexcept {
    stream& to = stream_of(write);
    auto& data = write.payload_as<send_data>();
    if (data.block != nullptr) {
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
    if (!capture(*to.on, data)) {
        // No memory to keep the promise with: the peer learns of it as a broken stream.
        ::shutdown(to.fd, SHUT_RDWR);
        data.left = 0;
    }
}

void release(op::operation& done) noexcept {
    auto& data = done.payload_as<send_data>();
    if (data.block != nullptr) {
        stream_of(done).on->blocks().give_back(data.block, data.block_size);
        data.block = nullptr;
    }
    done.target = nullptr; // the object may go before the record does
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
    loop::loop& on = *to.on;
    send_data data{bytes.data(), bytes.size(), nullptr, 0};
    const bool first = to.writer == nullptr && to.phase == stream_phase::connected;
    const bool small = bytes.size() <= base::block_pool::largest_class;
    int answer = -EAGAIN;
    // Outside of run, in quiet turns, and for bytes that would cost a large copy to keep, the
    // call is made on the spot; busy turns batch (docs/decisions/0007).
    if (first && !bytes.empty() &&
        (!on.in_turn() || on.quiet() || (kept != source::stays && !small))) {
        answer = send_now(to.fd, data);
        if (answer > 0) {
            data.bytes += answer;
            data.left -= static_cast<std::size_t>(answer);
        }
    }
    const bool refused = answer < 0 && answer != -EAGAIN;
    const bool ended = data.left == 0 || refused;
    const bool keep = kept == source::moves || (kept == source::changes && small);
    if (!ended && keep && !capture(on, data)) {
        // Bytes that went out cannot be called back: the rest is then owed by a dead stream.
        if (answer > 0) {
            ::shutdown(to.fd, SHUT_RDWR);
        }
        return ENOMEM;
    }
    idle.target = &to;
    idle.emplace_payload(data);
    idle.arm();
    if (ended && (first || bytes.empty())) {
        on.settle(idle, refused ? answer : 0);
    } else if (enter_line(to, idle)) {
        on.queue_armed(idle);
    }
    return 0;
}

} // namespace coring::io
