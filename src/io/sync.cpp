#include "io/sync.hpp"

#include "proactor/submission.hpp"

#include <cerrno>
#include <new>

#include <unistd.h>

namespace coring::io {

namespace {

struct flush_work : file_work {
    bool data_only;

    flush_work(file& of_it, bool only) noexcept
        : file_work{of_it, file_order::in_line, run, end, begin_flush}, data_only{only} {
        prepare = prepare_flush;
    }

    static void prepare_flush(file_work& work, proactor::submission& entry) noexcept {
        entry.sync(work.of->fd, static_cast<flush_work&>(work).data_only);
    }

    static int run(call_job& job) noexcept {
        auto& self = static_cast<flush_work&>(static_cast<file_work&>(job));
        return flush_blocking(*self.of, self.data_only);
    }

    static void end(call_job& job) noexcept { destroy_work(static_cast<file_work&>(job)); }

    // All that was before it in the line has ended. Nothing has to wait for it.
    static void begin_flush(op::operation& next) noexcept {
        file& of = *work_of<flush_work>(next).of;
        run_in_ring_or_on_worker(next);
        leave_line(of, of.position, next);
    }
};

struct resize_work : file_work {
    std::int64_t size;

    resize_work(file& of_it, std::int64_t wanted) noexcept
        : file_work{of_it, file_order::in_line, run, end, run_on_worker}, size{wanted} {}

    static int run(call_job& job) noexcept {
        auto& self = static_cast<resize_work&>(static_cast<file_work&>(job));
        return resize_blocking(*self.of, self.size);
    }

    static void end(call_job& job) noexcept { destroy_work(static_cast<file_work&>(job)); }
};

} // namespace

int flush_blocking(const file& of, bool data_only) noexcept {
    int answer = -1;
    do {
        answer = data_only ? ::fdatasync(of.fd) : ::fsync(of.fd);
    } while (answer != 0 && errno == EINTR);
    return answer == 0 ? 0 : -errno;
}

int resize_blocking(const file& of, std::int64_t size) noexcept {
    int answer = -1;
    do {
        answer = ::ftruncate(of.fd, size);
    } while (answer != 0 && errno == EINTR);
    return answer == 0 ? 0 : -errno;
}

file_work* make_flush(file& of, bool data_only) noexcept {
    void* block = allocate_work(sizeof(flush_work), 0);
    return block != nullptr ? new (block) flush_work{of, data_only} : nullptr;
}

file_work* make_resize(file& of, std::int64_t size) noexcept {
    void* block = allocate_work(sizeof(resize_work), 0);
    return block != nullptr ? new (block) resize_work{of, size} : nullptr;
}

} // namespace coring::io
