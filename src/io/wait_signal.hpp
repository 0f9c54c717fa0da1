// The verb behind system.awaitsig: a signal that the process receives. All waits of a loop for
// one signal share a subscription to it. (Manual: system.awaitsig.)
#pragma once

#include "loop/loop.hpp"

namespace coring::io {

extern const op::operation_type wait_signal_type;

struct awaited_signal;

// A right to the deliveries of a signal after number `taken`, which a wait takes over.
struct signal_claim {
    awaited_signal* of = nullptr;
    std::uint32_t taken = 0;
};

// Sees to it that deliveries of the signal are counted from now on, or since the last one that
// `delivered`, the record that the coroutine was resumed with, brought. `delivered` may be null
// or of another verb. Fails where descriptors or memory are short; then nothing changed.
// Requires that the signal can be awaited.
[[nodiscard]] base::result<signal_claim>
claim_signal(loop::loop& on, op::operation* delivered, int signal) noexcept;

// Waits for the next delivery. The subscription ends when the coroutine leaves or, after it was
// resumed, when it has suspended or ended without taking the claim over.
void wait_signal_start(loop::loop& on, op::operation& idle, const signal_claim& claim) noexcept;

// Sends a signal as kill(2) does. What this process sent itself is counted before this returns,
// unless another thread takes it: signals that wait to be taken are merged. Zero, or an errno.
[[nodiscard]] int emit_signal(int pid, int signal) noexcept;

} // namespace coring::io
