// What a timer costs among 100 000 others: to start, to leave, and to come due.
#include "loop/timer_queue.hpp"

#include <random>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

using namespace coring;

constexpr std::uint64_t span_ns = 1'000'000'000;

struct full_queue {
    op::operation_slab records;
    loop::timer_queue timers{records};
    std::mt19937_64 dice{1};
    std::vector<op::operation*> held;

    explicit full_queue(std::size_t size) : held(size) {
        for (op::operation*& timer : held) {
            timer = records.acquire();
            add(*timer, dice() % span_ns);
        }
    }

    void add(op::operation& timer, std::uint64_t deadline_ns) {
        if (timers.reserve()) {
            timers.add(timer, deadline_ns);
        }
    }
};

// The timer that is nearest comes due and starts again, as a program with many sleepers does.
void timer_due_and_again(benchmark::State& state) {
    full_queue queue{static_cast<std::size_t>(state.range(0))};
    for (auto _ : state) {
        const std::uint64_t now = queue.timers.nearest();
        op::operation* due = queue.timers.take_due(now, queue.timers.next_order());
        queue.add(*due, now + queue.dice() % span_ns);
    }
}

BENCHMARK(timer_due_and_again)->Arg(100)->Arg(100'000);

// A time-out that is started and left before it comes: the fate of most of them.
void timer_add_remove(benchmark::State& state) {
    full_queue queue{static_cast<std::size_t>(state.range(0))};
    op::operation* timer = queue.records.acquire();
    for (auto _ : state) {
        queue.add(*timer, span_ns / 2 + queue.dice() % span_ns);
        queue.timers.remove(*timer);
    }
}

BENCHMARK(timer_add_remove)->Arg(100)->Arg(100'000);

// All of them, one after the other.
void timers_fill_and_empty(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    op::operation_slab records;
    loop::timer_queue timers{records};
    std::mt19937_64 dice{2};
    for (auto _ : state) {
        for (std::size_t at = 0; at < size; ++at) {
            op::operation* timer = records.acquire();
            if (timers.reserve()) {
                timers.add(*timer, dice() % span_ns);
            }
        }
        while (op::operation* due = timers.take_due(span_ns, timers.next_order())) {
            records.release(*due);
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(timers_fill_and_empty)->Arg(100'000)->Unit(benchmark::kMillisecond);

} // namespace
