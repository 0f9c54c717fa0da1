#include "threadpool/caretaker.hpp"

#include <cstddef>
#include <memory>
#include <new>

#include <poll.h>
#include <sys/eventfd.h>

namespace coring::threadpool {

namespace {

// How often to look where the system cannot tell: short of memory or descriptors.
constexpr int unsure_ms = 100;

// The descriptors to sleep on: the knock first, then those of the wards in their order.
class vigil {
public:
    // Ensures that nothing is waited for too long where there is no memory for all of them.
    void lay_out(int knock, base::intrusive_list<ward>& of) noexcept {
        std::size_t wanted = 1;
        of.for_each([&](ward&) { ++wanted; });
        reserve(wanted);
        complete_ = wanted <= room_ && knock >= 0;
        used_ = 0;
        add(knock);
        of.for_each([this](ward& each) { add(each.fd); });
    }

    void sleep() noexcept {
        const int came = ::poll(fds_.get(), used_, complete_ ? -1 : unsure_ms);
        sure_ = complete_ && came > 0;
    }

    // Whether there may be something for the ward at this place.
    [[nodiscard]] bool calls(std::size_t place) const noexcept {
        return !sure_ || fds_[place + 1].revents != 0;
    }

private:
    void reserve(std::size_t wanted) noexcept {
        if (wanted <= room_) {
            return;
        }
        if (auto* more = new (std::nothrow) pollfd[wanted * 2]; more != nullptr) {
            fds_.reset(more);
            room_ = wanted * 2;
        }
    }

    void add(int fd) noexcept {
        if (used_ < room_) {
            fds_[used_++] = pollfd{fd, POLLIN, 0};
        }
    }

    std::unique_ptr<pollfd[]> fds_;
    std::size_t room_ = 0;
    std::size_t used_ = 0;
    bool complete_ = false;
    bool sure_ = false;
};

void attend_those_who_call(base::intrusive_list<ward>& own, const vigil& told) noexcept {
    base::intrusive_list<ward> standing;
    standing.splice_back(own);
    for (std::size_t place = 0; ward* each = standing.pop_front(); ++place) {
        if (!told.calls(place) || !each->attend(*each)) {
            own.push_back(*each);
        }
    }
}

} // namespace

caretaker& caretaker::process() noexcept {
    // In static storage, without a destructor: the thread outlives every exit handler.
    alignas(caretaker) static std::byte storage[sizeof(caretaker)];
    static caretaker* const only = new (storage) caretaker;
    return *only;
}

void caretaker::take(ward& added) noexcept {
    const lock guard{mutex_};
    added_.push_back(added);
    if (!running_) {
        start_thread();
    } else if (knock_.valid()) {
        static_cast<void>(::eventfd_write(knock_.get(), 1));
    }
}

void caretaker::start_thread() noexcept {
    knock_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    running_ = start(thread_, small_stack).has_value();
    if (!running_) {
        knock_.reset();
    }
}

caretaker::calling caretaker::collect(wards& own) noexcept {
    const lock guard{mutex_};
    own.splice_back(added_);
    running_ = !own.empty();
    if (!running_) {
        knock_.reset();
    } else if (knock_.valid()) {
        eventfd_t knocks = 0;
        static_cast<void>(::eventfd_read(knock_.get(), &knocks));
    }
    return {running_, knock_.get()};
}

void caretaker::run(worker& self) noexcept {
    auto& here = *static_cast<caretaker*>(self.owner);
    wards own;
    vigil watching;
    for (calling now = here.collect(own); now.goes_on; now = here.collect(own)) {
        watching.lay_out(now.knock, own);
        watching.sleep();
        attend_those_who_call(own, watching);
    }
}

} // namespace coring::threadpool
