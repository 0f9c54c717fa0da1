#include "io/saved_modes.hpp"

#include "io/kernel_call.hpp"
#include "reactor/signal_hub.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <mutex>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coring::io {

namespace {

// A terminal that is changed at present. All but the descriptor is written before that is, and
// read after it: a handler may come at any moment.
struct saved {
    std::atomic<int> fd{-1}; // a duplicate of ours; -1: the place is free
    unsigned device = 0;
    termios settings{};
};

// More terminals than standard streams: a host may put others in their place.
constinit std::array<saved, 8> places{};
constinit std::mutex mutex{}; // guards changes of the places, from threads
constinit std::atomic<pid_t> owner{0};
static_assert(std::atomic<int>::is_always_lock_free);
static_assert(std::atomic<pid_t>::is_always_lock_free);

// The number of the terminal itself, also if it was opened as /dev/tty.
unsigned device_of(int fd) noexcept {
    unsigned device = 0;
    if (::ioctl(fd, TIOCGDEV, &device) == 0) {
        return device;
    }

    struct stat status {};

    return ::fstat(fd, &status) == 0 ? static_cast<unsigned>(status.st_rdev) : 0;
}

saved* find(unsigned device) noexcept {
    for (saved& each : places) {
        if (each.fd.load(std::memory_order_relaxed) >= 0 && each.device == device) {
            return &each;
        }
    }
    return nullptr;
}

saved* find_free() noexcept {
    for (saved& each : places) {
        if (each.fd.load(std::memory_order_relaxed) < 0) {
            return &each;
        }
    }
    return nullptr;
}

bool any_saved() noexcept {
    for (const saved& each : places) {
        if (each.fd.load(std::memory_order_relaxed) >= 0) {
            return true;
        }
    }
    return false;
}

// A job in the background has lost the terminal to others, who have their own settings.
bool is_in_background(int fd) noexcept {
    const pid_t group = ::tcgetpgrp(fd);
    return group >= 0 && group != ::getpgrp();
}

// Only calls that a signal handler may make. It does not wait for output that is still to come:
// nothing may keep the process from ending. A forked child has no say in it.
void restore_all() noexcept {
    if (owner.load(std::memory_order_relaxed) != ::getpid()) {
        return;
    }
    for (const saved& each : places) {
        const int fd = each.fd.load(std::memory_order_acquire);
        if (fd >= 0 && !is_in_background(fd)) {
            static_cast<void>(::tcsetattr(fd, TCSANOW, &each.settings));
        }
    }
}

// Whether the end of this process is watched for; it is from the first time on, by exit(3), and
// by signals while anything is saved.
bool watch_for_exit() noexcept {
    static const bool registered = std::atexit([] { restore_all(); }) == 0;
    return registered;
}

base::result<void> remember(saved& place, int fd, unsigned device) noexcept {
    if (::tcgetattr(fd, &place.settings) != 0) {
        return base::failure{errno};
    }
    constexpr int above_standard = 3;
    const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, above_standard);
    if (own < 0) {
        return base::failure{errno};
    }
    place.device = device;
    owner.store(::getpid(), std::memory_order_relaxed);
    place.fd.store(own, std::memory_order_release);
    reactor::signal_hub::process().call_before_end(restore_all);
    return {};
}

void forget(saved& place) noexcept {
    const int own = place.fd.exchange(-1);
    if (!any_saved()) {
        reactor::signal_hub::process().call_before_end(nullptr);
    }
    ::close(own);
}

} // namespace

base::result<termios> save_modes(int fd) noexcept {
    const std::lock_guard<std::mutex> hold{mutex};
    if (!watch_for_exit()) {
        return base::failure{ENOMEM};
    }
    const unsigned device = device_of(fd);
    saved* place = find(device);
    if (place == nullptr) {
        place = find_free();
        if (place == nullptr) {
            return base::failure{EMFILE};
        }
        if (const auto remembered = remember(*place, fd, device); !remembered) {
            return base::failure{remembered.error()};
        }
    }
    return place->settings;
}

base::result<void> give_back_modes(int fd) noexcept {
    const std::lock_guard<std::mutex> hold{mutex};
    saved* place = find(device_of(fd));
    if (place == nullptr) {
        return {};
    }
    const int answer =
        kernel_call([&] { return ::tcsetattr(fd, TCSADRAIN, &place->settings); });
    if (answer < 0) {
        return base::failure{-answer};
    }
    forget(*place);
    return {};
}

} // namespace coring::io
