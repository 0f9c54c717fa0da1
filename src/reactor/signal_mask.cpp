#include "reactor/signal_mask.hpp"

#include "base/unique_fd.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace coring::reactor {

namespace {

enum class mask : std::uint8_t { lets_in, blocks, unknown };

// What a line of /proc/PID/task/TID/status says. A thread that has ended lets nothing in.
mask mask_of(int tasks, const char* thread, int signal) noexcept {
    static constexpr char heading[] = "SigBlk:\t";
    const base::unique_fd directory{::openat(tasks, thread, O_PATH | O_CLOEXEC)};
    if (!directory.valid()) {
        return mask::blocks;
    }
    const base::unique_fd file{::openat(directory.get(), "status", O_RDONLY | O_CLOEXEC)};
    std::array<char, 4096> text{};
    const ssize_t size =
        file.valid() ? ::read(file.get(), text.data(), text.size() - 1) : ssize_t{-1};
    if (size < 0) {
        return mask::blocks;
    }
    const char* line = std::strstr(text.data(), heading);
    if (line == nullptr) {
        return mask::unknown;
    }
    const std::uint64_t blocked = std::strtoull(line + sizeof heading - 1, nullptr, 16);
    return (blocked >> (signal - 1) & 1U) != 0 ? mask::blocks : mask::lets_in;
}

bool blocked_here(int signal) noexcept {
    sigset_t blocked;
    return ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0 &&
           ::sigismember(&blocked, signal) == 1;
}

} // namespace

bool blocked_by_all_threads(int signal) noexcept {
    if (!blocked_here(signal)) {
        return false;
    }
    DIR* tasks = ::opendir("/proc/self/task");
    if (tasks == nullptr) {
        return false;
    }
    bool all = true;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own
    for (const dirent* entry = ::readdir(tasks); entry != nullptr && all;
         entry = ::readdir(tasks)) { // NOLINT(concurrency-mt-unsafe)
        all = entry->d_name[0] == '.' ||
              mask_of(::dirfd(tasks), entry->d_name, signal) == mask::blocks;
    }
    ::closedir(tasks);
    return all;
}

} // namespace coring::reactor
