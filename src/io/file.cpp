#include "io/file.hpp"

#include <new>

#include <sys/resource.h>
#include <unistd.h>

namespace coring::io {

namespace {

void end(file& of) noexcept {
    if (of.fd >= 0) {
        ::close(of.fd);
    }
    delete &of;
}

void end_dismissed(loop::companion& dead) noexcept {
    auto& of = static_cast<file&>(dead);
    of.on->forget(of);
    end(of);
}

// Reaching the limit raises SIGXFSZ, which ends the process unless a worker is hit.
bool has_size_limit() noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

} // namespace

void adopt(file& made, int fd, const file_traits& traits) noexcept {
    made.fd = fd;
    made.traits = traits;
    made.at_start = traits.local && !made.foreign;
    if (traits.kind == file_kind::stored && traits.writable && has_size_limit()) {
        made.quick_writes = false;
    }
}

file* make_file(loop::loop& on) noexcept {
    auto* made = new (std::nothrow) file;
    if (made != nullptr) {
        made->on = &on;
        made->dismissed = end_dismissed;
    }
    return made;
}

void let_go(file& of, bool abandoned) noexcept {
    if (of.uses.fetch_sub(1, std::memory_order_acq_rel) > 1) {
        return;
    }
    if (abandoned || !of.registered) {
        end(of);
    } else if (of.on->closing()) {
        end_dismissed(of);
    } else {
        of.on->dismiss(of); // perhaps from inside the engine, which must not be called back
    }
}

void retire(file& of) noexcept {
    if (of.registered && of.reader == nullptr && of.writer == nullptr) {
        of.on->forget(of);
    }
    let_go(of);
}

bool enter_line(file_line& line, op::operation& armed) noexcept {
    if (line.head != nullptr) {
        line.behind.push_back(armed);
        return false;
    }
    line.head = &armed;
    return true;
}

void leave_line(file& of, file_line& line, op::operation& ended) noexcept {
    if (of.on->closing()) {
        ended.unlink(); // the file may outlive the loop and its records
        return;         // and nothing begins any more
    }
    if (line.head != &ended) {
        return;
    }
    line.head = nullptr;
    if (op::operation* next = line.behind.pop_front(); next != nullptr) {
        line.head = next;
        static_cast<in_line*>(next->data)->begin(*next);
    }
}

} // namespace coring::io
