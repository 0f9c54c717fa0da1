// What the microbenchmarks share: a loop whose waiters are functions, on an engine of choice.
#pragma once

#include "io/sleep.hpp"
#include "loop/loop.hpp"

#include <memory>

#include <benchmark/benchmark.h>

namespace coring::bench {

// Who waits: what it does when it was resumed, after its record is free.
struct waiter {
    void (*resumed)(waiter&) noexcept = nullptr;
    void* context = nullptr;
};

class direct_deliverer final : public loop::deliverer {
public:
    loop::loop* on = nullptr;

    loop::delivery deliver(op::operation& ready) noexcept override {
        auto& who = *static_cast<waiter*>(ready.waiter);
        ready.begin_delivery();
        on->conclude(ready);
        if (who.resumed != nullptr) {
            who.resumed(who);
        }
        return loop::delivery::resumed;
    }
};

// A loop that is open, or not, where the system refuses the ring.
class bench_loop {
public:
    explicit bench_loop(loop::engine_kind kind) {
        resumer_.on = &loop_;
        open_ = loop_.open({kind, loop::default_ring_entries}).has_value();
    }

    bench_loop(const bench_loop&) = delete;
    bench_loop& operator=(const bench_loop&) = delete;
    bench_loop(bench_loop&&) = delete;
    bench_loop& operator=(bench_loop&&) = delete;

    ~bench_loop() { static_cast<void>(loop_.close()); }

    // Skips the benchmark aloud and returns false where there is no such engine.
    [[nodiscard]] bool ready(benchmark::State& state) const {
        if (!open_) {
            state.SkipWithError("the ring is refused here");
        }
        return open_;
    }

    [[nodiscard]] loop::loop& get() noexcept { return loop_; }

    void turn() noexcept {
        static_cast<void>(loop_.turn(loop::waiting::allowed, loop::late_timers::next_turn));
    }

private:
    base::system_clock clock_;
    direct_deliverer resumer_;
    loop::loop loop_{resumer_, clock_};
    bool open_ = false;
};

} // namespace coring::bench
