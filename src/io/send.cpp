#include "io/send.hpp"

#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include <sys/socket.h>

namespace coring::io {

namespace {

constexpr std::size_t most_at_once = 0x7ffff000;
constexpr std::size_t cache_line = 64;
constexpr std::size_t worth_aligning = 65536;

// Beside the record, as only writes that had to wait need it; in one block with a copy of the
// bytes, if there is one.
struct send_data {
    const char* bytes; // what is left
    std::size_t left;
    std::size_t copied; // bytes that stand behind this structure
};

send_data& data_of(op::operation& write) noexcept {
    return *static_cast<send_data*>(write.data);
}

stream& stream_of(op::operation& write) noexcept {
    return static_cast<stream&>(*write.target);
}

// SIGPIPE never: the process's disposition is the host's affair.
int send_now(int fd, std::string_view bytes, int flags = 0) noexcept {
    const std::size_t size = std::min(bytes.size(), most_at_once);
    ssize_t count = -1;
    do {
        count = ::send(fd, bytes.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : static_cast<int>(count);
}

// The kernel copies large amounts an eighth faster from the beginning of a cache line, where the
// bytes of a memory never are. So what is before the first line goes ahead, with a word that
// more follows: no packet leaves for its sake. Zero when there is nothing to gain.
std::size_t bytes_ahead(std::string_view bytes) noexcept {
    const auto place = reinterpret_cast<std::uintptr_t>(bytes.data());
    return bytes.size() < worth_aligning ? 0 : -place % cache_line;
}

int send_aligned_now(int fd, std::string_view bytes) noexcept {
    const std::size_t ahead = bytes_ahead(bytes);
    if (ahead == 0) {
        return send_now(fd, bytes);
    }
    const int first = send_now(fd, bytes.substr(0, ahead), MSG_MORE);
    if (first < static_cast<int>(ahead)) {
        return first;
    }
    const int rest = send_now(fd, bytes.substr(ahead));
    return rest < 0 ? first : first + rest;
}

void prepare(op::operation& write, proactor::submission& entry) noexcept {
    const auto& data = data_of(write);
    const std::size_t ahead = bytes_ahead({data.bytes, data.left});
    const std::size_t size = ahead > 0 ? ahead : std::min(data.left, most_at_once);
    const int more = ahead > 0 ? MSG_MORE : 0;
    entry.send(write.target->fd, data.bytes, size, MSG_NOSIGNAL | MSG_WAITALL | more);
}

int attempt(op::operation& write) noexcept {
    const send_data& data = data_of(write);
    return send_aligned_now(write.target->fd, {data.bytes, data.left});
}

// Counts what went out. True when the write has ended, with its result set.
bool finish(op::operation& write, int answer) noexcept {
    stream& to = stream_of(write);
    auto& data = data_of(write);
    if (answer > 0) {
        data.bytes += answer;
        data.left -= static_cast<std::size_t>(answer);
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
    leave_line(to, write);
    return true;
}

// Gives the record its data, with a copy of the bytes if they are to be kept by us.
bool keep_data(loop::loop& on,
               op::operation& write,
               std::string_view bytes,
               bool copy) noexcept {
    const std::size_t copied = copy ? bytes.size() : 0;
    char* block = on.blocks().take(sizeof(send_data) + copied);
    if (block == nullptr) {
        return false;
    }
    const char* place = bytes.data();
    if (copy) {
        std::memcpy(block + sizeof(send_data), bytes.data(), bytes.size());
        place = block + sizeof(send_data);
    }
    write.data = new (block) send_data{place, bytes.size(), copied};
    return true;
}

void give_back_data(loop::loop& on, void* block) noexcept {
    const std::size_t size = sizeof(send_data) + static_cast<send_data*>(block)->copied;
    on.blocks().give_back(static_cast<char*>(block), size);
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
    send_data* lent = &data_of(write);
    if (keep_data(*to.on, write, {lent->bytes, lent->left}, true)) {
        give_back_data(*to.on, lent);
    } else {
        // No memory to keep the promise with: the peer learns of it as a broken stream.
        ::shutdown(to.fd, SHUT_RDWR);
        lent->left = 0;
    }
}

void release(op::operation& done) noexcept {
    if (done.data != nullptr) {
        give_back_data(*stream_of(done).on, done.data);
        done.data = nullptr;
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
    const bool first = to.writer == nullptr && to.phase == stream_phase::connected;
    const bool small = bytes.size() <= base::block_pool::largest_class;
    int answer = -EAGAIN;
    // Outside of run, in quiet turns, and for bytes that would cost a large copy to keep, the
    // call is made on the spot; busy turns batch (docs/decisions/0007).
    if (first && !bytes.empty() &&
        (!on.in_turn() || on.quiet() || (kept != source::stays && !small))) {
        answer = send_aligned_now(to.fd, bytes);
        if (answer > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(answer));
        }
    }
    const bool refused = answer < 0 && answer != -EAGAIN;
    const bool copy = kept == source::moves || (kept == source::changes && small);
    if (bytes.empty() || refused) {
        idle.arm();
        on.settle(idle, refused ? answer : 0);
        return 0;
    }
    if (!keep_data(on, idle, bytes, copy)) {
        // Bytes that went out cannot be called back: the rest is then owed by a dead stream.
        if (answer > 0) {
            ::shutdown(to.fd, SHUT_RDWR);
        }
        return ENOMEM;
    }
    idle.target = &to;
    idle.arm();
    if (enter_line(to, idle)) {
        on.queue_armed(idle);
    }
    return 0;
}

} // namespace coring::io
