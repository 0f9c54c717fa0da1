#include "io/cpu_info.hpp"

#include "io/line_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include <unistd.h>

namespace coring::io {

namespace {

constexpr std::string_view unknown_model = "unknown";

// The kernel counts time in ticks, of which a second has as many as it tells.
std::int64_t ticks_per_second() noexcept {
    const long ticks = ::sysconf(_SC_CLK_TCK);
    return ticks > 0 ? ticks : 100;
}

std::int64_t ms_of(std::int64_t ticks) noexcept {
    return ticks * 1000 / ticks_per_second();
}

void set_model(cpu_facts& cpu, std::string_view name) noexcept {
    name = name.substr(0, cpu.model.size() - 1);
    *std::copy(name.begin(), name.end(), cpu.model.begin()) = '\0';
}

// A line such as "cpu0 user nice system idle iowait irq …", in ticks.
bool parse_times(std::string_view line, cpu_facts& cpu) noexcept {
    constexpr std::string_view prefix = "cpu";
    std::string_view name = take_word(line);
    if (!name.starts_with(prefix)) {
        return false;
    }
    name.remove_prefix(prefix.size());
    if (!leading_number(name, cpu.number)) {
        return false; // the sum of all
    }
    std::int64_t waiting_ticks = 0;
    for (std::int64_t* into : {&cpu.user_ms, &cpu.nice_ms, &cpu.system_ms, &cpu.idle_ms,
                               &waiting_ticks, &cpu.interrupt_ms}) {
        std::int64_t ticks = 0;
        static_cast<void>(leading_number(take_word(line), ticks));
        *into = ms_of(ticks);
    }
    return true;
}

int read_times(const char* path, cpu_list& cpus) noexcept {
    line_reader reader;
    if (const int failed = reader.open(path); failed != 0) {
        return failed;
    }
    for (std::string_view line; reader.next(line) && line.starts_with("cpu");) {
        cpu_facts cpu{};
        set_model(cpu, unknown_model);
        if (parse_times(line, cpu) && !cpus.add(cpu)) {
            return ENOMEM;
        }
    }
    return 0;
}

cpu_facts* find(cpu_list& cpus, std::int64_t number) noexcept {
    auto* found = std::find_if(cpus.begin(), cpus.end(),
                               [&](const cpu_facts& cpu) { return cpu.number == number; });
    return found == cpus.end() ? nullptr : found;
}

// Each architecture has its own words.
bool is_model_key(std::string_view key) noexcept {
    return key == "model name" || key == "cpu model" || key == "cpu";
}

bool is_clock_key(std::string_view key) noexcept {
    return key == "cpu MHz" || key == "clock";
}

// Lines of the form "key : value", in paragraphs that begin with "processor : N".
void read_models(const char* path, cpu_list& cpus) noexcept {
    constexpr std::string_view blanks = " \t";
    line_reader reader;
    if (reader.open(path) != 0) {
        return;
    }
    cpu_facts* cpu = nullptr;
    for (std::string_view line; reader.next(line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            continue;
        }
        std::string_view key = line.substr(0, colon);
        key = key.substr(0, key.find_last_not_of(blanks) + 1);
        std::string_view value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(blanks), value.size()));
        std::int64_t number = 0;
        if (key == "processor" && leading_number(value, number)) {
            cpu = find(cpus, number);
        } else if (cpu != nullptr && is_model_key(key) && !value.empty()) {
            set_model(*cpu, value);
        } else if (cpu != nullptr && is_clock_key(key) && leading_number(value, number)) {
            cpu->clock_mhz = number;
        }
    }
}

// Where the text has no clock the driver that sets it may tell, in kHz.
void read_clock(const char* directory, cpu_facts& cpu) noexcept {
    std::array<char, 256> path{};
    const int size =
        std::snprintf(path.data(), path.size(), "%s/cpu%lld/cpufreq/scaling_cur_freq",
                      directory, static_cast<long long>(cpu.number));
    if (size > 0 && static_cast<std::size_t>(size) < path.size()) {
        cpu.clock_mhz = std::max<std::int64_t>(number_in_file(path.data()), 0) / 1000;
    }
}

} // namespace

base::result<cpu_list> list_cpus(const cpu_sources& from) noexcept {
    cpu_list cpus;
    if (const int failed = read_times(from.times, cpus); failed != 0) {
        return base::failure{failed};
    }
    read_models(from.models, cpus);
    for (cpu_facts& cpu : cpus) {
        if (cpu.clock_mhz == 0) {
            read_clock(from.frequencies, cpu);
        }
    }
    return cpus;
}

} // namespace coring::io
