// What the kernel tells about each CPU: model, clock, and where its time went.
// (Manual: system.cpuinfo.)
#pragma once

#include "base/result.hpp"
#include "io/entry_list.hpp"

#include <array>
#include <cstdint>

namespace coring::io {

struct cpu_facts {
    std::int64_t number; // as the kernel counts them; CPUs that are off have none here
    std::array<char, 128> model;
    std::int64_t clock_mhz; // zero if unknown
    std::int64_t user_ms;
    std::int64_t nice_ms;
    std::int64_t system_ms;
    std::int64_t idle_ms;
    std::int64_t interrupt_ms;
};

using cpu_list = entry_list<cpu_facts>;

// Where it is read. A test may bring texts of its own.
struct cpu_sources {
    const char* times = "/proc/stat";
    const char* models = "/proc/cpuinfo";
    const char* frequencies = "/sys/devices/system/cpu";
};

// The CPUs that run, as they are now. Fails when the times cannot be read; what else cannot be
// read is unknown.
[[nodiscard]] base::result<cpu_list> list_cpus(const cpu_sources& from = {}) noexcept;

} // namespace coring::io
