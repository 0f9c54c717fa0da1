#include "io/write.hpp"

#include "io/pipe_signal.hpp"
#include "proactor/submission.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include <sys/uio.h>
#include <unistd.h>

namespace coring::io {

namespace {

write_work& self_of(call_job& job) noexcept {
    return static_cast<write_work&>(static_cast<file_work&>(job));
}

std::int64_t after(std::int64_t offset, std::uint64_t count) noexcept {
    return offset == at_position ? at_position : offset + static_cast<std::int64_t>(count);
}

ssize_t write_quickly(const file& to, std::string_view bytes, std::int64_t offset) noexcept {
    const iovec place{const_cast<char*>(bytes.data()), std::min(bytes.size(), most_at_once)};
    const int flags = to.traits.in_memory ? 0 : RWF_NOWAIT;
    ssize_t count = -1;
    do {
        count = ::pwritev2(to.fd, &place, 1, offset, flags);
    } while (count < 0 && errno == EINTR);
    return count;
}

written write_all(int fd, std::string_view bytes, std::int64_t offset) noexcept {
    written made{0, 0};
    while (made.count < bytes.size()) {
        const std::string_view rest = bytes.substr(made.count, most_at_once);
        const ssize_t count = offset == at_position ? ::write(fd, rest.data(), rest.size())
                                                    : ::pwrite(fd, rest.data(), rest.size(),
                                                               after(offset, made.count));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            made.failed = count < 0 ? errno : EIO;
            break;
        }
        made.count += static_cast<std::uint64_t>(count);
    }
    return made;
}

// Fills the buffer with what comes next. Requires that neither a worker nor the ring has it.
void stage(write_work& self) noexcept {
    self.taken = 0;
    self.staged = std::min(self.rest.size(), self.room);
    if (self.staged > 0) { // an empty view may have no address
        std::memcpy(self.buffer(), self.rest.data(), self.staged);
        self.rest.remove_prefix(self.staged);
    }
}

// On a worker. Nothing else looks at these fields until its mail is opened.
int run_write(call_job& job) noexcept {
    write_work& self = self_of(job);
    const written made = write_all(self.of->fd, {self.buffer(), self.staged}, self.offset);
    self.count += made.count;
    self.failed = made.failed;
    self.offset = after(self.offset, made.count);
    return 0;
}

void prepare_write(file_work& work, proactor::submission& entry) noexcept {
    auto& self = static_cast<write_work&>(work);
    entry.write(self.of->fd, self.buffer() + self.taken, self.staged - self.taken, self.offset);
}

// The ring wrote some of the chunk.
bool finish_write(file_work& work, int answer, int& result) noexcept {
    auto& self = static_cast<write_work&>(work);
    result = 0;
    if (answer <= 0) {
        self.failed = answer < 0 ? -answer : EIO;
        return true;
    }
    const auto count = static_cast<std::size_t>(answer);
    self.has_effect = true;
    self.taken += count;
    self.count += count;
    self.offset = after(self.offset, count);
    if (self.taken == self.staged) {
        stage(self);
    }
    return self.staged == 0;
}

// A worker wrote a chunk. The next one goes to a worker without anybody being resumed.
void chunk_written(base::mail& mail, void* recipient) noexcept {
    write_work& self = self_of(static_cast<call_job&>(mail));
    auto& on = *static_cast<loop::loop*>(recipient);
    self.has_effect = true;
    if (self.failed == 0 && !self.rest.empty() && !on.closing()) {
        stage(self);
        const auto next =
            threadpool::pool::process().submit(threadpool::lane_kind::files, self);
        if (next) {
            return;
        }
        self.failed = next.error();
    }
    on.complete(*self.waiting, 0);
}

// The waiter leaves and the writing goes on, from a copy.
void keep_rest(file_work& work) noexcept {
    auto& self = static_cast<write_work&>(work);
    if (self.kept != nullptr || self.rest.empty()) {
        return;
    }
    self.kept = static_cast<char*>(std::malloc(self.rest.size()));
    if (self.kept == nullptr) {
        self.rest = {}; // what is written ends early; nobody is there to be told
        return;
    }
    std::memcpy(self.kept, self.rest.data(), self.rest.size());
    self.rest = {self.kept, self.rest.size()};
}

void destroy_write(call_job& job) noexcept {
    write_work& self = self_of(job);
    std::free(self.kept);
    destroy_work(self);
}

} // namespace

file_attempt write_now(file& to, std::string_view bytes, std::int64_t offset) noexcept {
    file_attempt made;
    if (to.traits.synced || !to.quick_writes) {
        made.failed = EAGAIN;
        return made;
    }
    const std::string_view first = bytes.substr(0, most_at_once);
    while (made.count < first.size()) {
        const ssize_t count =
            write_quickly(to, first.substr(made.count), after(offset, made.count));
        if (count <= 0) {
            made.failed = count < 0 ? errno : EAGAIN;
            break;
        }
        made.count += static_cast<std::size_t>(count);
    }
    // Older kernels say EINVAL. If that is the true answer, a worker will hear it again.
    if (made.failed == EOPNOTSUPP || (made.failed == EINVAL && made.count == 0)) {
        to.quick_writes = false;
        made.failed = EAGAIN;
    }
    if (made.failed == 0 && first.size() < bytes.size()) {
        made.failed = EAGAIN;
    }
    return made;
}

written write_blocking(const file& to, std::string_view bytes, std::int64_t offset) noexcept {
    if (to.traits.kind == file_kind::stored) {
        return write_all(to.fd, bytes, offset);
    }
    const no_pipe_signal quiet;
    return write_all(to.fd, bytes, offset);
}

write_work::write_work(file& to, std::int64_t at, std::size_t size, std::size_t before) noexcept
    : file_work{to, at == at_position ? file_order::in_line : file_order::free, run_write,
                destroy_write, run_in_ring_or_on_worker},
      count{before}, offset{at}, room{size}, staged{0}, taken{0} {
    open = chunk_written;
    keep = keep_rest;
    by_position = at == at_position;
    prepare = prepare_write;
    finish = finish_write;
    has_effect = before > 0;
}

write_work* write_work::make(file& to,
                             std::string_view bytes,
                             std::int64_t offset,
                             std::size_t before,
                             bool moves) noexcept {
    bytes.remove_prefix(before);
    const std::size_t room = moves ? bytes.size() : std::min(bytes.size(), write_chunk);
    void* block = allocate_work(sizeof(write_work), work_alignment + room);
    if (block == nullptr) {
        return nullptr;
    }
    auto* made = new (block) write_work{to, after(offset, before), room, before};
    made->rest = bytes;
    stage(*made);
    return made;
}

char* write_work::buffer() noexcept {
    constexpr std::size_t start =
        (sizeof(write_work) + work_alignment - 1) / work_alignment * work_alignment;
    return reinterpret_cast<char*>(this) + start;
}

} // namespace coring::io
