#include "loop/engine_choice.hpp"

#include "base/environment.hpp"
#include "proactor/lent_ring.hpp"
#include "proactor/ring_engine.hpp"
#include "reactor/readiness_engine.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <string_view>
#include <utility>

namespace coring::loop {

namespace {

template <typename Engine>
base::result<chosen_engine> open_ring(unsigned entries,
                                      op::operation_slab& operations) noexcept {
    std::unique_ptr<Engine> engine{new (std::nothrow) Engine{operations}};
    if (engine == nullptr) {
        return base::failure{ENOMEM};
    }
    if (auto opened = engine->open(entries); !opened) {
        return base::failure{opened.error()};
    }
    return chosen_engine{std::move(engine), 0};
}

base::result<chosen_engine> open_epoll(int refusal) noexcept {
    std::unique_ptr<reactor::readiness_engine> engine{new (std::nothrow)
                                                          reactor::readiness_engine};
    if (engine == nullptr) {
        return base::failure{ENOMEM};
    }
    if (auto opened = engine->open(); !opened) {
        return base::failure{opened.error()};
    }
    return chosen_engine{std::move(engine), refusal};
}

// A system out of descriptors or memory is no system without rings: epoll would only fail
// later.
bool is_shortage(int code) noexcept {
    return code == EMFILE || code == ENFILE || code == ENOMEM;
}

} // namespace

base::result<chosen_engine> choose_engine(const engine_wish& wish,
                                          op::operation_slab& operations,
                                          residence where) noexcept {
    if (wish.kind == engine_kind::epoll) {
        return open_epoll(0);
    }
    auto ring = where == residence::wandering
                    ? open_ring<proactor::lent_ring>(wish.ring_entries, operations)
                    : open_ring<proactor::ring_engine>(wish.ring_entries, operations);
    if (ring || wish.kind == engine_kind::uring || is_shortage(ring.error())) {
        return ring;
    }
    return open_epoll(ring.error());
}

void leave_thread() noexcept {
    proactor::close_kept_rings();
}

engine_wish wish_from_environment(bool& unknown) noexcept {
    engine_wish wish;
    unknown = false;
    std::array<char, 32> text{}; // longer than any value that means something
    if (base::read_variable("COUTIL_ENGINE", text) != 0) {
        const std::string_view name{text.data()};
        if (name == "uring") {
            wish.kind = engine_kind::uring;
        } else if (name == "epoll") {
            wish.kind = engine_kind::epoll;
        } else {
            unknown = !name.empty() && name != "auto";
        }
    }
    if (base::read_variable("COUTIL_RING_ENTRIES", text) != 0) {
        const long entries = std::strtol(text.data(), nullptr, 10);
        if (entries >= 1 && entries <= 32768) {
            wish.ring_entries = static_cast<unsigned>(entries);
        }
    }
    return wish;
}

} // namespace coring::loop
