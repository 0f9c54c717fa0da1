// What a turn costs by itself: with nothing to do, with zero suspensions, with a timer that is
// due.
#include "support.hpp"

#include <deque>

namespace {

using namespace coring;
using bench::bench_loop;
using bench::waiter;
using loop::engine_kind;

void pause_again(waiter& self) noexcept {
    auto& on = *static_cast<loop::loop*>(self.context);
    io::pause_start(on, *on.acquire(io::sleep_type, &self));
}

template <engine_kind Kind>
void turn_empty(benchmark::State& state) {
    bench_loop on{Kind};
    if (!on.ready(state)) {
        return;
    }
    for (auto _ : state) {
        on.turn();
    }
}

BENCHMARK(turn_empty<engine_kind::uring>);
BENCHMARK(turn_empty<engine_kind::epoll>);

template <engine_kind Kind>
void turn_with_zero_suspensions(benchmark::State& state) {
    bench_loop on{Kind};
    if (!on.ready(state)) {
        return;
    }
    std::deque<waiter> waiters(static_cast<std::size_t>(state.range(0)));
    for (waiter& each : waiters) {
        each = {pause_again, &on.get()};
        pause_again(each);
    }
    for (auto _ : state) {
        on.turn();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(turn_with_zero_suspensions<engine_kind::uring>)->Arg(1)->Arg(1000);
BENCHMARK(turn_with_zero_suspensions<engine_kind::epoll>)->Arg(1)->Arg(1000);

void sleep_again(waiter& self) noexcept {
    auto& on = *static_cast<loop::loop*>(self.context);
    if (on.reserve_timer()) {
        io::sleep_start(on, *on.acquire(io::sleep_type, &self), on.now_ns());
    }
}

template <engine_kind Kind>
void turn_with_a_due_timer(benchmark::State& state) {
    bench_loop on{Kind};
    if (!on.ready(state)) {
        return;
    }
    waiter who{sleep_again, &on.get()};
    sleep_again(who);
    for (auto _ : state) {
        on.turn();
    }
}

BENCHMARK(turn_with_a_due_timer<engine_kind::uring>);
BENCHMARK(turn_with_a_due_timer<engine_kind::epoll>);

} // namespace
