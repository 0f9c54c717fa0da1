// What the process does about the signals somebody waits for. Signals belong to the process,
// loops to their states; this is where they meet (docs/decisions/0028).
#pragma once

#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <mutex>

#include <signal.h>

namespace coring::reactor {

// Signals are numbered from 1 to 31; real-time signals are not known here.
inline constexpr int signal_limit = 32;

// How deliveries of a signal come to be counted. Either way each is counted once.
enum class signal_route : std::uint8_t {
    caught, // by a handler: some thread of the process lets the signal in
    read,   // from a signalfd as well: every thread blocks it, no handler would ever run
};

// What is done in the last moment: only calls that a signal handler may make.
using last_act = void (*)() noexcept;

// Counts the deliveries of subscribed signals. While a signal has subscribers its disposition
// is our handler; when the last one leaves, it is what it was before. No mask is ever changed.
// Any thread; never destroyed. A forked child starts with the dispositions of before, without
// subscribers and descriptors.
class signal_hub {
public:
    [[nodiscard]] static signal_hub& process() noexcept;

    signal_hub() noexcept = default;
    signal_hub(const signal_hub&) = delete;
    signal_hub& operator=(const signal_hub&) = delete;
    signal_hub(signal_hub&&) = delete;
    signal_hub& operator=(signal_hub&&) = delete;
    ~signal_hub() = default;

    // Fails where descriptors are short; nothing changed then. A subscriber notes caught() and
    // watches knock_fd() beforehand, so that nothing comes between.
    [[nodiscard]] base::result<signal_route> subscribe(int signal) noexcept;

    // Requires a subscription of the caller's.
    void unsubscribe(int signal) noexcept;

    // How many deliveries were counted so far, modulo 2^32: whoever compares with what it saw
    // last knows what is new. No lock.
    [[nodiscard]] static std::uint32_t caught(int signal) noexcept;

    // Counts what waits in the signalfd, if there is one.
    void count_pending() noexcept;

    // From now on `act` is run before a signal ends the process: one that nobody waits for and
    // whose action is the default. The process ends as it would have. Null: no more.
    void call_before_end(last_act act) noexcept;

    // An eventfd to watch for edges: each delivery that was counted makes one. Nobody reads it,
    // so one edge reaches all who watch. Fails where descriptors are short.
    [[nodiscard]] base::result<int> knock_fd() noexcept;

    // The signalfd, to watch for readability by subscribers whose route is `read`.
    [[nodiscard]] int pending_fd() const noexcept;

private:
    [[nodiscard]] base::result<void> open() noexcept;
    [[nodiscard]] int watch_forks() noexcept;
    [[nodiscard]] base::result<void> read_too(int signal) noexcept;
    void install(int signal) noexcept;
    void restore(int signal) noexcept;
    void guard(int signal) noexcept;
    void guard_all(bool on) noexcept;
    void forget_all() noexcept;

    std::mutex mutex_; // guards all below
    std::array<std::uint32_t, signal_limit> subscribers_{};
    std::array<struct sigaction, signal_limit> before_{};
    sigset_t reading_{}; // what the signalfd is for
    bool watches_forks_ = false;
};

} // namespace coring::reactor
