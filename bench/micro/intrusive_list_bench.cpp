// What it costs to stand in a list, and to leave it from the middle.
#include "base/intrusive_list.hpp"

#include <vector>

#include <benchmark/benchmark.h>

namespace {

struct element : coring::base::list_link {};

using elements = coring::base::intrusive_list<element>;

void list_push_pop(benchmark::State& state) {
    element one;
    elements list;
    for (auto _ : state) {
        list.push_back(one);
        benchmark::DoNotOptimize(list.pop_front());
    }
}

BENCHMARK(list_push_pop);

void list_unlink_from_the_middle(benchmark::State& state) {
    std::vector<element> pool(1000);
    elements list;
    for (element& each : pool) {
        list.push_back(each);
    }
    std::size_t at = 0;
    for (auto _ : state) {
        pool[at].unlink();
        list.push_back(pool[at]);
        at = (at + 379) % pool.size();
    }
    while (list.pop_front() != nullptr) {
    }
}

BENCHMARK(list_unlink_from_the_middle);

// How a turn takes a list over before it serves it.
void list_splice(benchmark::State& state) {
    std::vector<element> pool(16);
    elements list;
    elements standing;
    for (element& each : pool) {
        list.push_back(each);
    }
    for (auto _ : state) {
        standing.splice_back(list);
        list.splice_front(standing);
        benchmark::ClobberMemory();
    }
    while (list.pop_front() != nullptr) {
    }
}

BENCHMARK(list_splice);

} // namespace
