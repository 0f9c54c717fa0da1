#include "io/random.hpp"

#include "op/operation_type.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <sys/random.h>

namespace coring::io {

namespace {

int make_piece(call_job& job) noexcept {
    auto& self = static_cast<random_call&>(job);
    const std::size_t wanted = std::min(self.size - self.taken, self.piece.size());
    return -fill_random(std::span{self.piece}.first(wanted));
}

void end_call(call_job& job) noexcept {
    auto* self = static_cast<random_call*>(&job);
    ::explicit_bzero(self->piece.data(), self->piece.size());
    delete self;
}

} // namespace

const op::operation_type random_type = {
    .name = "random",
    .on_leave = op::departure::drop,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = nullptr,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = nullptr,
};

bool random_is_ready() noexcept {
    static std::atomic<bool> known{false};
    if (known.load(std::memory_order_relaxed)) {
        return true;
    }
    char byte = 0;
    const bool ready = ::getrandom(&byte, sizeof byte, GRND_NONBLOCK) == sizeof byte;
    if (ready) {
        known.store(true, std::memory_order_relaxed);
    }
    return ready;
}

int fill_random(std::span<char> into) noexcept {
    while (!into.empty()) {
        const ssize_t count = ::getrandom(into.data(), into.size(), 0);
        if (count >= 0) {
            into = into.subspan(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void random_start(loop::loop& on, op::operation& idle) noexcept {
    idle.arm();
    on.settle(idle, 0);
}

// The piece is written before it is read, and too large to be set to zero for nothing.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
random_call::random_call(loop::loop& on, std::size_t size_of_all) noexcept
    : call_job{on, make_piece, end_call}, size{size_of_all} {}

bool random_call::take(std::span<char> into) noexcept {
    const std::size_t made = std::min(size - taken, piece.size());
    if (taken < into.size()) {
        const std::size_t copied = std::min(made, into.size() - taken);
        std::memcpy(into.data() + taken, piece.data(), copied);
    }
    taken += made;
    return taken >= std::min(size, into.size());
}

} // namespace coring::io
