#include "io/close_file.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include <unistd.h>

namespace coring::io {

namespace {

// An interrupted close is not repeated: the number is gone already. Zero or an errno.
int close_once(int& fd) noexcept {
    return ::close(std::exchange(fd, -1)) == 0 || errno == EINTR ? 0 : errno;
}

struct close_job : call_job {
    int fd;

    explicit close_job(loop::loop& on) noexcept : call_job{on, run, end}, fd{-1} {}

    int close_it() noexcept { return -close_once(fd); }

    static int run(call_job& job) noexcept { return static_cast<close_job&>(job).close_it(); }

    static void end(call_job& job) noexcept {
        auto* self = static_cast<close_job*>(&job);
        if (self->fd >= 0) {
            static_cast<void>(self->close_it()); // it was left before a worker took it
        }
        delete self;
    }
};

} // namespace

int close_file(file& of) noexcept {
    if (!is_in_use(of)) {
        if (of.registered) {
            of.on->forget(of);
        }
        if (const int failed = close_once(of.fd); failed != 0) {
            return failed;
        }
    }
    retire(of);
    return 0;
}

int close_inherited(file& of) noexcept {
    if (!is_in_use(of) && of.fd >= 0) {
        if (const int failed = close_once(of.fd); failed != 0) {
            return failed;
        }
    }
    let_go(of, true);
    return 0;
}

call_job* make_close_job(file& of) noexcept {
    auto* made = new (std::nothrow) close_job{*of.on};
    if (made != nullptr) {
        made->fd = std::exchange(of.fd, -1);
        retire(of);
    }
    return made;
}

} // namespace coring::io
