#include "io/read.hpp"

#include "op/operation_type.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <sys/uio.h>
#include <unistd.h>

namespace coring::io {

namespace {

read_work& self_of(call_job& job) noexcept {
    return static_cast<read_work&>(static_cast<file_work&>(job));
}

// One call that does not wait. Files in memory have no other; they need no flag.
ssize_t read_quickly(file& from, std::span<char> into, std::int64_t offset) noexcept {
    iovec place{into.data(), std::min(into.size(), most_at_once)};
    const int flags = from.traits.in_memory ? 0 : RWF_NOWAIT;
    ssize_t count = -1;
    do {
        count = ::preadv2(from.fd, &place, 1, offset, flags);
    } while (count < 0 && errno == EINTR);
    return count;
}

std::int64_t after(std::int64_t offset, std::size_t count) noexcept {
    return offset == at_position ? at_position : offset + static_cast<std::int64_t>(count);
}

// What the caches hold ends with a page. So a read that does not wait, and stops elsewhere
// before it is full, has met the end of the file. A read in memory waits for what it needs.
bool ended_at(const file& of, std::int64_t place) noexcept {
    constexpr std::int64_t smallest_page = 4096;
    const bool inside_page = place != at_position && place % smallest_page != 0;
    return of.traits.in_memory || (of.traits.local && inside_page);
}

// Reads what is there without waiting for a device. A short count is the end of what the caches
// hold, or of the file: where `start` does not say which, the next call does.
file_attempt
read_now(file& from, std::span<char> into, std::int64_t offset, std::int64_t start) noexcept {
    file_attempt made;
    if (!from.quick_reads) {
        made.failed = EAGAIN;
        return made;
    }
    while (made.count < into.size() && made.count < most_at_once) {
        const ssize_t count =
            read_quickly(from, into.subspan(made.count), after(offset, made.count));
        if (count <= 0) {
            made.failed = count < 0 ? errno : 0;
            break;
        }
        made.count += static_cast<std::size_t>(count);
        if (ended_at(from, after(start, made.count))) {
            break;
        }
    }
    if (made.failed == EOPNOTSUPP) {
        from.quick_reads = false;
        made.failed = EAGAIN;
    }
    return made;
}

// On a worker: until the chunk is full or the file ends.
int run_read(call_job& job) noexcept {
    read_work& self = self_of(job);
    while (self.got < self.wanted) {
        const int count = read_blocking(*self.of, self.buffer().subspan(self.got),
                                        after(self.offset, self.got));
        if (count <= 0) {
            return self.got > 0 ? static_cast<int>(self.got) : count;
        }
        self.got += static_cast<std::size_t>(count);
    }
    return static_cast<int>(self.got);
}

void prepare_read(file_work& work, proactor::submission& entry) noexcept {
    auto& self = static_cast<read_work&>(work);
    const std::span<char> rest = self.buffer().subspan(self.got);
    entry.read(self.of->fd, rest.data(), rest.size(), after(self.offset, self.got));
}

bool finish_read(file_work& work, int answer, int& result) noexcept {
    auto& self = static_cast<read_work&>(work);
    if (answer > 0) {
        self.got += static_cast<std::size_t>(answer);
    }
    self.no_ring = answer == -EAGAIN; // somebody made the description non-blocking
    result = self.got > 0 ? static_cast<int>(self.got) : answer;
    return true;
}

void wait_for(op::operation& queued, read_work& work) noexcept {
    work.no_ring ? run_on_worker(queued) : run_in_ring_or_on_worker(queued);
}

// Whoever stood in line finds another file than at the call: perhaps the bytes are there now.
void begin_read(op::operation& next) noexcept {
    auto& self = work_of<read_work>(next);
    file_attempt found{0, EAGAIN};
    if (!self.tried) {
        found = read_now(*self.of, self.buffer(), self.offset, self.offset);
        self.got = found.count;
    }
    if (found.waits()) {
        wait_for(next, self);
    } else {
        self.of->on->settle(next, found.result());
    }
}

void destroy_read(call_job& job) noexcept {
    destroy_work(self_of(job));
}

} // namespace

file_attempt
read_first(file& from, std::span<char> into, std::int64_t offset, std::int64_t start) noexcept {
    // Beyond this size a second copy costs more than an attempt in vain.
    constexpr std::size_t most = std::size_t{16} << 10;
    const bool ring = offset != at_position && into.size() <= most && may_use_ring(*from.on);
    if (ring && from.attempts.passes()) {
        return {0, EAGAIN};
    }
    const file_attempt made = read_now(from, into, offset, start);
    from.attempts.judge(made.waits());
    return made;
}

int read_blocking(const file& from, std::span<char> into, std::int64_t offset) noexcept {
    const std::size_t size = std::min(into.size(), most_at_once);
    ssize_t count = -1;
    do {
        count = offset == at_position ? ::read(from.fd, into.data(), size)
                                      : ::pread(from.fd, into.data(), size, offset);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : static_cast<int>(count);
}

read_work::read_work(file& from,
                     std::int64_t at,
                     std::size_t size,
                     const file_attempt* before) noexcept
    : file_work{from, at == at_position ? file_order::in_line : file_order::free, run_read,
                destroy_read, begin_read},
      offset{at}, wanted{size}, room{size}, done{before != nullptr ? before->count : 0},
      tried{before != nullptr} {
    by_position = at == at_position;
    prepare = prepare_read;
    finish = finish_read;
}

read_work* read_work::make(file& from,
                           std::size_t size,
                           std::int64_t offset,
                           const file_attempt* before) noexcept {
    const std::size_t done = before != nullptr ? before->count : 0;
    const std::size_t first = std::min(size - done, read_chunk);
    void* block = allocate_work(sizeof(read_work), work_alignment + first);
    return block != nullptr ? new (block) read_work{from, after(offset, done), first, before}
                            : nullptr;
}

std::span<char> read_work::buffer() noexcept {
    constexpr std::size_t start =
        (sizeof(read_work) + work_alignment - 1) / work_alignment * work_alignment;
    return {reinterpret_cast<char*>(this) + start, wanted};
}

bool read_arrived(op::operation& delivering, std::span<char> range, int& result) noexcept {
    auto& self = work_of<read_work>(delivering);
    const bool refused = delivering.result == -EAGAIN && self.no_ring;
    if (delivering.result <= 0 && !refused) {
        result = self.done > 0 ? static_cast<int>(self.done) : delivering.result;
        return true;
    }
    std::span<char> rest = range.subspan(std::min(self.done, range.size()));
    const std::size_t copied = std::min(self.got, rest.size());
    if (copied > 0) { // an empty range may have no address
        std::memcpy(rest.data(), self.buffer().data(), copied);
    }
    self.done += copied;
    rest = rest.subspan(copied);
    const bool ended = self.got < self.wanted && !refused;
    self.offset = after(self.offset, self.got);
    file_attempt more;
    if (!ended && !rest.empty() && self.done < most_at_once) {
        rest = rest.first(std::min(rest.size(), most_at_once - self.done));
        more = read_now(*self.of, rest, self.offset, self.offset);
        self.done += more.count;
    }
    if (!more.waits()) {
        result = self.done > 0 ? static_cast<int>(self.done) : more.result();
        return true;
    }
    self.offset = after(self.offset, more.count);
    self.wanted = std::min(rest.size() - more.count, self.room);
    self.got = 0;
    delivering.requeue();
    wait_for(delivering, self);
    return false;
}

} // namespace coring::io
