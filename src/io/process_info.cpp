#include "io/process_info.hpp"

#include "io/line_reader.hpp"

#include <cerrno>

#include <pwd.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

namespace coring::io {

base::result<std::string_view> executable_path(std::span<char, path_room> room) noexcept {
    const ssize_t size = ::readlink("/proc/self/exe", room.data(), room.size() - 1);
    if (size < 0) {
        return base::failure{errno};
    }
    const auto length = static_cast<std::size_t>(size);
    room[length] = '\0';
    return std::string_view{room.data(), length};
}

base::result<utsname> system_names() noexcept {
    utsname names{};
    if (::uname(&names) != 0) {
        return base::failure{errno};
    }
    return names;
}

base::result<rusage> resources_used() noexcept {
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) != 0) {
        return base::failure{errno};
    }
    return used;
}

base::result<user_entry> find_user(std::span<char> room) noexcept {
    passwd entry{};
    passwd* found = nullptr;
    int failed = EINTR;
    while (failed == EINTR) {
        failed = ::getpwuid_r(::geteuid(), &entry, room.data(), room.size(), &found);
    }
    if (failed == 0 && found == nullptr) {
        failed = ENOENT;
    }
    if (failed != 0) {
        return base::failure{failed};
    }
    return user_entry{entry.pw_name, entry.pw_dir, entry.pw_shell, entry.pw_uid, entry.pw_gid};
}

base::result<std::array<double, 3>> load_averages() noexcept {
    struct sysinfo facts {};

    if (::sysinfo(&facts) != 0) {
        return base::failure{errno};
    }
    constexpr double scale = 1U << SI_LOAD_SHIFT;
    return std::array<double, 3>{static_cast<double>(facts.loads[0]) / scale,
                                 static_cast<double>(facts.loads[1]) / scale,
                                 static_cast<double>(facts.loads[2]) / scale};
}

double uptime_seconds() noexcept {
    timespec since{};
    ::clock_gettime(CLOCK_BOOTTIME, &since); // fails only for clocks that do not exist
    return static_cast<double>(since.tv_sec) + static_cast<double>(since.tv_nsec) / 1e9;
}

base::result<memory_amounts> machine_memory() noexcept {
    line_reader reader;
    if (const int failed = reader.open("/proc/meminfo"); failed != 0) {
        return base::failure{failed};
    }
    constexpr std::int64_t unit = 1024;
    memory_amounts amounts{0, 0};
    for (std::string_view line; reader.next(line);) {
        const std::string_view name = take_word(line);
        if (name == "MemTotal:") {
            static_cast<void>(leading_number(line, amounts.total_bytes));
        } else if (name == "MemAvailable:") {
            static_cast<void>(leading_number(line, amounts.available_bytes));
        }
    }
    return memory_amounts{amounts.total_bytes * unit, amounts.available_bytes * unit};
}

base::result<std::int64_t> resident_bytes() noexcept {
    line_reader reader;
    if (const int failed = reader.open("/proc/self/statm"); failed != 0) {
        return base::failure{failed};
    }
    std::string_view line;
    std::int64_t pages = 0;
    static_cast<void>(reader.next(line));
    static_cast<void>(take_word(line)); // the size of the address space
    if (!leading_number(line, pages)) {
        return base::failure{EINVAL};
    }
    return pages * std::int64_t{::sysconf(_SC_PAGESIZE)};
}

} // namespace coring::io
