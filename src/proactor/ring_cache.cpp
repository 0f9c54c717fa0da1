#include "proactor/ring_cache.hpp"

#include "base/fork_watch.hpp"

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include <pthread.h>

namespace coring::proactor {

namespace {

// One for the loop that runs, and one for a loop that a finalizer runs meanwhile.
constexpr std::size_t most_kept = 2;

struct shelf {
    std::array<std::unique_ptr<ring_engine>, most_kept> rings;
    unsigned generation = base::fork_generation();
};

void remove_shelf(void* of_thread) {
    delete static_cast<shelf*>(of_thread);
}

// The key of each thread's shelf. (Thread-local variables of a module that is loaded late are
// not found by leak detectors, what pthreads keep is.)
struct shelf_key {
    shelf_key() noexcept : usable{::pthread_key_create(&key, remove_shelf) == 0} {}

    pthread_key_t key{};
    bool usable;
};

const shelf_key& the_key() noexcept {
    static const shelf_key once;
    return once;
}

// The calling thread's, null if it has none. In a forked child the rings are the parent's and
// not even mapped: their shelf is left behind.
shelf* present_shelf() noexcept {
    const shelf_key& of = the_key();
    if (!of.usable) {
        return nullptr;
    }
    auto* here = static_cast<shelf*>(::pthread_getspecific(of.key));
    return here != nullptr && here->generation == base::fork_generation() ? here : nullptr;
}

shelf* make_shelf() noexcept {
    const shelf_key& of = the_key();
    if (!of.usable) {
        return nullptr;
    }
    auto* made = new (std::nothrow) shelf;
    if (made != nullptr && ::pthread_setspecific(of.key, made) != 0) {
        delete made;
        return nullptr;
    }
    return made;
}

} // namespace

base::result<std::unique_ptr<ring_engine>> borrow_ring(unsigned entries) noexcept {
    if (shelf* here = present_shelf(); here != nullptr) {
        for (auto& each : here->rings) {
            if (each != nullptr && each->asked_entries() == entries) {
                return std::move(each);
            }
        }
    }
    std::unique_ptr<ring_engine> made{new (std::nothrow) ring_engine};
    if (made == nullptr) {
        return base::failure{ENOMEM};
    }
    if (auto opened = made->open(entries); !opened) {
        return base::failure{opened.error()};
    }
    return made;
}

void give_ring_back(std::unique_ptr<ring_engine> idle) noexcept {
    shelf* here = present_shelf();
    if (here == nullptr) {
        here = make_shelf();
    }
    if (here == nullptr) {
        return;
    }
    for (auto& each : here->rings) {
        if (each == nullptr) {
            each = std::move(idle);
            return;
        }
    }
}

void close_kept_rings() noexcept {
    if (shelf* here = present_shelf(); here != nullptr) {
        for (auto& each : here->rings) {
            each.reset();
        }
    }
}

} // namespace coring::proactor
