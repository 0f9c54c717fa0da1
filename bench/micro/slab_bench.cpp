// What a record costs to have and to give back, and to be found by its name.
#include "op/operation.hpp"

#include <vector>

#include <benchmark/benchmark.h>

namespace {

using coring::op::operation;
using coring::op::operation_slab;

void slab_acquire_release(benchmark::State& state) {
    operation_slab records;
    for (auto _ : state) {
        operation* record = records.acquire();
        benchmark::DoNotOptimize(record);
        records.release(*record);
    }
}

BENCHMARK(slab_acquire_release);

// As many in use as a busy server has: the free list is spread over memory.
void slab_acquire_release_many(benchmark::State& state) {
    operation_slab records;
    std::vector<operation*> held(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        for (operation*& record : held) {
            record = records.acquire();
        }
        for (operation* record : held) {
            records.release(*record);
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(slab_acquire_release_many)->Arg(1000)->Arg(100'000);

void slab_find(benchmark::State& state) {
    operation_slab records;
    std::vector<operation*> held(10'000);
    for (operation*& record : held) {
        record = records.acquire();
    }
    std::size_t at = 0;
    for (auto _ : state) {
        const operation& named = *held[at];
        benchmark::DoNotOptimize(records.find(named.slot, named.generation));
        at = (at + 7919) % held.size();
    }
}

BENCHMARK(slab_find);

} // namespace
