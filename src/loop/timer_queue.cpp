#include "loop/timer_queue.hpp"

#include <cstdlib>

namespace coring::loop {

namespace {

constexpr std::size_t arity = 4;

} // namespace

timer_queue::~timer_queue() {
    std::free(heap_);
}

bool timer_queue::reserve() noexcept {
    if (size_ < room_) {
        return true;
    }
    const std::size_t room = room_ == 0 ? 64 : room_ * 2;
    auto* heap = static_cast<entry*>(std::realloc(heap_, room * sizeof(entry)));
    if (heap == nullptr) {
        return false;
    }
    heap_ = heap;
    room_ = room;
    return true;
}

bool timer_queue::before(const entry& left, const entry& right) noexcept {
    if (left.deadline != right.deadline) {
        return left.deadline < right.deadline;
    }
    return static_cast<std::int32_t>(left.order - right.order) < 0;
}

void timer_queue::place(std::size_t at, const entry& what) noexcept {
    heap_[at] = what;
    operations_[what.slot].result = static_cast<std::int32_t>(at);
}

void timer_queue::sift_up(std::size_t at, const entry& what) noexcept {
    while (at > 0) {
        const std::size_t parent = (at - 1) / arity;
        if (!before(what, heap_[parent])) {
            break;
        }
        place(at, heap_[parent]);
        at = parent;
    }
    place(at, what);
}

void timer_queue::sift_down(std::size_t at, const entry& what) noexcept {
    for (;;) {
        const std::size_t first = at * arity + 1;
        if (first >= size_) {
            break;
        }
        const std::size_t end = first + arity < size_ ? first + arity : size_;
        std::size_t least = first;
        for (std::size_t child = first + 1; child < end; ++child) {
            if (before(heap_[child], heap_[least])) {
                least = child;
            }
        }
        if (!before(heap_[least], what)) {
            break;
        }
        place(at, heap_[least]);
        at = least;
    }
    place(at, what);
}

void timer_queue::add(op::operation& timer, std::uint64_t deadline_ns) noexcept {
    CORING_ASSERT(size_ < room_ && !timer.timed);
    timer.timed = true;
    ++size_;
    sift_up(size_ - 1, entry{deadline_ns, order_++, timer.slot});
}

void timer_queue::remove_at(std::size_t at) noexcept {
    --size_;
    if (at == size_) {
        return;
    }
    const entry last = heap_[size_];
    if (at > 0 && before(last, heap_[(at - 1) / arity])) {
        sift_up(at, last);
    } else {
        sift_down(at, last);
    }
}

void timer_queue::remove(op::operation& timer) noexcept {
    const auto place = static_cast<std::size_t>(timer.result);
    CORING_ASSERT(timer.timed && place < size_ && heap_[place].slot == timer.slot);
    timer.timed = false;
    remove_at(place);
}

op::operation* timer_queue::take_due(std::uint64_t now_ns, std::uint32_t limit) noexcept {
    if (size_ == 0 || heap_[0].deadline > now_ns ||
        static_cast<std::int32_t>(heap_[0].order - limit) >= 0) {
        return nullptr;
    }
    op::operation* timer = &operations_[heap_[0].slot];
    remove_at(0);
    timer->timed = false;
    return timer;
}

} // namespace coring::loop
