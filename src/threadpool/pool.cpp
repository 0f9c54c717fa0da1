#include "threadpool/pool.hpp"

#include <algorithm>
#include <new>

namespace coring::threadpool {

namespace {

// How far a lane of calls grows.
constexpr std::size_t growth_limit = 64;

lane_options for_programs(const char* name, std::size_t size) noexcept {
    return {.name = name, .size = size, .limit = size, .stack_bytes = default_stack};
}

lane_options for_calls(const char* name, std::size_t size) noexcept {
    return {.name = name,
            .size = size,
            .limit = std::max(size, growth_limit),
            .stack_bytes = small_stack};
}

} // namespace

pool::pool(const pool_sizes& sizes) noexcept
    : lanes_{lane{for_programs("coring-states", sizes.states)},
             lane{for_calls("coring-names", sizes.names)},
             lane{for_calls("coring-files", sizes.files)}} {}

pool& pool::process() noexcept {
    // In static storage, without a destructor: workers outlive every exit handler.
    alignas(pool) static std::byte storage[sizeof(pool)];
    static pool* const only = new (storage) pool{read_sizes()};
    return *only;
}

base::result<void> pool::submit(lane_kind kind, job& entry) noexcept {
    auto submitted = of(kind).submit(entry);
    // From here on the job may be finished, and gone.
    if (!submitted) {
        return base::failure{submitted.error()};
    }
    if (submitted.value() == pressure::pressed) {
        supervisor_.alert();
    }
    return {};
}

bool pool::unqueue(job& entry) noexcept {
    CORING_ASSERT(entry.place != nullptr);
    return entry.place->unqueue(entry);
}

bool pool::abandon(job& entry) noexcept {
    CORING_ASSERT(entry.place != nullptr);
    return entry.place->abandon(entry);
}

bool pool::drain(const base::mailbox& home, std::uint64_t limit_ns) noexcept {
    const std::uint64_t deadline_ns = base::monotonic_ns() + limit_ns;
    for (lane& each : lanes_) {
        each.drop(home);
    }
    bool complete = of(lane_kind::states).settle(home, condition::never);
    for (const lane_kind calls : {lane_kind::names, lane_kind::files}) {
        complete = of(calls).settle(home, deadline_ns) && complete;
    }
    return complete;
}

} // namespace coring::threadpool
