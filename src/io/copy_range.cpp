#include "io/copy_range.hpp"

#include "io/pipe_signal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <new>

#include <sys/sendfile.h>
#include <unistd.h>

namespace coring::io {

namespace {

// One call of the system is not to take very long, and none takes more than 2 GiB.
constexpr std::int64_t most_per_call = std::int64_t{64} << 20;

// The progress of a copy: every way goes on from where the one before it stopped.
struct progress {
    int source;
    int target;
    off_t from;
    std::int64_t left;
};

// What became of one way. `ended`: the source did. Otherwise `failed` says why it stopped, and
// another way may do better.
struct way_end {
    bool ended = false;
    int failed = 0;
};

template <typename Call>
way_end repeat(progress& copy, Call call) noexcept {
    while (copy.left > 0) {
        const ssize_t count =
            call(static_cast<std::size_t>(std::min(copy.left, most_per_call)));
        if (count == 0) {
            return {true, 0};
        }
        if (count < 0 && errno != EINTR) {
            return {false, errno};
        }
        copy.left -= std::max<ssize_t>(count, 0);
    }
    return {};
}

// Copies within the kernel, or not at all: the file system may share the blocks.
way_end copy_by_range(progress& copy) noexcept {
    return repeat(copy, [&](std::size_t size) {
        return ::copy_file_range(copy.source, &copy.from, copy.target, nullptr, size, 0);
    });
}

// To wherever a write may go, but for files that append.
way_end copy_by_sending(progress& copy) noexcept {
    return repeat(copy, [&](std::size_t size) {
        return ::sendfile(copy.target, copy.source, &copy.from, size);
    });
}

ssize_t write_fully(int fd, const char* bytes, std::size_t size) noexcept {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = ::write(fd, bytes + done, size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        done += static_cast<std::size_t>(count);
    }
    return done > 0 ? static_cast<ssize_t>(done) : -1;
}

way_end copy_by_hand(progress& copy) noexcept {
    alignas(64) std::array<char, 32768> room{};
    return repeat(copy, [&](std::size_t size) -> ssize_t {
        const ssize_t got =
            ::pread(copy.source, room.data(), std::min(size, room.size()), copy.from);
        if (got <= 0) {
            return got;
        }
        const ssize_t put =
            write_fully(copy.target, room.data(), static_cast<std::size_t>(got));
        copy.from += std::max<ssize_t>(put, 0);
        return put;
    });
}

// Whether the failure is one of the way, and not of the files.
bool may_go_otherwise(int failed) noexcept {
    return failed == EINVAL || failed == EXDEV || failed == EOPNOTSUPP || failed == ENOSYS ||
           failed == EPERM || failed == EBADF || failed == ETXTBSY || failed == EOVERFLOW;
}

copied copy_all(int source, int target, bool appends, const copy_request& asked) noexcept {
    progress copy{source, target, static_cast<off_t>(asked.from), asked.size};
    way_end end{false, EINVAL};
    if (!appends) {
        end = copy_by_range(copy);
        if (copy.left > 0 && may_go_otherwise(end.failed)) {
            end = copy_by_sending(copy);
        }
    }
    // Files of /proc and the like have no size until they are read: the end is not believed.
    const std::int64_t done = asked.size - copy.left;
    if (copy.left > 0 && (may_go_otherwise(end.failed) || (end.ended && done == 0))) {
        end = copy_by_hand(copy);
    }
    return {asked.size - copy.left, copy.left > 0 && !end.ended ? end.failed : 0};
}

copy_work& self_of(call_job& job) noexcept {
    return static_cast<copy_work&>(static_cast<file_work&>(job));
}

int run_copy(call_job& job) noexcept {
    copy_work& self = self_of(job);
    self.answer = copy_all(self.source->fd, self.of->fd, self.of->traits.appends, self.asked);
    return 0;
}

void destroy_copy(call_job& job) noexcept {
    copy_work& self = self_of(job);
    let_go(*self.source, self.is_abandoned());
    destroy_work(self);
}

} // namespace

copied
copy_blocking(const file& source, const file& target, const copy_request& asked) noexcept {
    const no_pipe_signal quiet;
    return copy_all(source.fd, target.fd, target.traits.appends, asked);
}

copy_work::copy_work(file& from, file& to, const copy_request& of_it) noexcept
    : file_work{to, file_order::in_line, run_copy, destroy_copy, run_on_worker}, source{&from},
      asked{of_it} {
    hold(from);
}

copy_work* copy_work::make(file& source, file& target, const copy_request& asked) noexcept {
    void* block = allocate_work(sizeof(copy_work), 0);
    return block != nullptr ? new (block) copy_work{source, target, asked} : nullptr;
}

} // namespace coring::io
