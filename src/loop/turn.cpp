// One iteration of the loop (behaviour 2.5):
//
//   cached time → expired timers → writes done → zero suspensions as they stood
//   → submit, sleep, drain, cached time → whatever is ready → further writes done → canceled
//
// Each list is delivered as it stood when its delivery began.
#include "loop/loop.hpp"

#include <cstdint>

namespace coring::loop {

namespace {

constexpr std::uint32_t most_sources_a_turn = 256;

// A hint about the cache line `offset` bytes from `place`, which may be null or end before
// that: computed as a number, since it need not be a pointer to anything.
void fetch_near(const void* place, std::intptr_t offset) noexcept {
    const auto address =
        reinterpret_cast<std::uintptr_t>(place) + static_cast<std::uintptr_t>(offset);
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    __builtin_prefetch(reinterpret_cast<const void*>(address));
}

void fetch_waiter(const op::operation& next) noexcept {
    __builtin_prefetch(next.waiter);
    fetch_near(next.waiter, 64);
}

// With a thousand connections everything about the next one has left the caches. Asking for it
// while the present one runs hides most of the wait.
void fetch_ahead(const op::operation_list& rest) noexcept {
    const op::operation* next = rest.peek();
    if (next != nullptr) {
        __builtin_prefetch(next->next);
        fetch_waiter(*next);
        __builtin_prefetch(next->target);
        fetch_near(next->target, -32); // its object
    }
}

} // namespace

bool loop::deliver_one(op::operation& ready, turn_report& report) noexcept {
    switch (deliverer_.deliver(ready)) {
    case delivery::resumed:
        ++report.resumed;
        return true;
    case delivery::again:
    case delivery::dropped:
        return true;
    case delivery::refused:
        report.refused = true;
        return false;
    }
    return true;
}

bool loop::deliver_list(op::operation_list& list, turn_report& report) noexcept {
    op::operation_list standing;
    standing.splice_back(list);
    current_ = &list == &events_ ? &standing : nullptr;
    bool going = true;
    while (going) {
        op::operation* next = standing.pop_front();
        if (next == nullptr) {
            break;
        }
        fetch_ahead(standing);
        going = deliver_one(*next, report);
        if (!going) {
            standing.push_front(*next);
        }
    }
    current_ = nullptr;
    list.splice_front(standing); // what a refusal left over; normally nothing
    return going;
}

bool loop::deliver_zero(turn_report& report) noexcept {
    op::operation_list standing;
    standing.splice_back(zero_);
    bool going = true;
    while (going) {
        op::operation* next = standing.pop_front();
        if (next == nullptr) {
            break;
        }
        ++served_;
        zero_resumed_ = next->waiter;
        going = deliver_one(*next, report);
        zero_resumed_ = nullptr;
        if (!going) {
            standing.push_front(*next);
        }
    }
    zero_.splice_front(standing);
    return going;
}

bool loop::expire(turn_report& report) noexcept {
    const std::uint64_t now = now_;
    while (op::operation* due = timers_.take_due(now, turn_began_)) {
        ++served_;
        due->complete(0);
        if (const op::operation* next = timers_.peek(); next != nullptr) {
            fetch_waiter(*next);
        }
        if (!deliver_one(*due, report)) {
            list_ready(*due, op::phase::events);
            return false;
        }
    }
    return true;
}

bool loop::before_sleep(turn_report& report) noexcept {
    update_time();
    if (!timers_.empty() && !expire(report)) {
        return false;
    }
    // A write of one turn reports before the zero suspensions of the next: it has to be handed
    // over now. Turns that spin never sleep, so a server pays nothing for the second entry.
    if (!zero_.empty() && !queued_.empty()) {
        engine_->enter(queued_, *this, 0);
    }
    return deliver_any(transfers_, report) && (zero_.empty() || deliver_zero(report));
}

std::int64_t loop::sleep_limit(waiting wait) noexcept {
    const bool ready =
        !(zero_.empty() && transfers_.empty() && events_.empty() && canceled_.empty());
    if (wait == waiting::forbidden || ready || halted_ || !alive()) {
        return 0;
    }
    if (timers_.empty()) {
        return op::no_deadline;
    }
    // The cached time is as old as what the coroutines did since: a deadline counts from now.
    const std::uint64_t now = clock_.now_ns();
    const std::uint64_t nearest = timers_.nearest();
    if (nearest <= now) {
        return 0;
    }
    const std::uint64_t rest = nearest - now;
    return rest < static_cast<std::uint64_t>(op::no_deadline) ? static_cast<std::int64_t>(rest)
                                                              : op::no_deadline;
}

// Events that were settled without the engine, as those of a socket on which more waits, are
// served for some turns before the engine is asked what else there is. A single round always
// asks.
bool loop::enough_to_do() noexcept {
    constexpr std::uint8_t most_unasked = 16;
    const bool enough = !events_.empty() && queued_.empty() && unasked_ < most_unasked;
    unasked_ = enough ? static_cast<std::uint8_t>(unasked_ + 1) : std::uint8_t{0};
    return enough;
}

void loop::after_sleep(turn_report& report, late_timers late) noexcept {
    if (mail_came_) {
        mail_came_ = false;
        open_letters();
    }
    if (side_poller_ready_) {
        side_poller_ready_ = false;
        tell_sources();
    }
    const bool all = deliver_any(events_, report) && deliver_any(transfers_, report) &&
                     deliver_any(canceled_, report);
    if (all && late == late_timers::this_turn && !timers_.empty()) {
        static_cast<void>(expire(report)); // a refusal stands in the report
    }
}

void loop::open_letters() noexcept {
    for (base::mail* mail = mailbox_.collect(); mail != nullptr;) {
        base::mail* next = mail->next; // the mail may be gone once it was opened
        mail->open(*mail, this);
        mail = next;
    }
}

// One at a time, since a source may end others. What stays readable is told again next turn.
void loop::tell_sources() noexcept {
    for (std::uint32_t told = 0; told < most_sources_a_turn; ++told) {
        void* listener = side_poller_.next_ready();
        if (listener == nullptr) {
            return;
        }
        auto& ready = *static_cast<source*>(listener);
        ready.readable(ready);
    }
}

void loop::begin_turn() noexcept {
    in_turn_ = true;
    served_ = 0;
    // A timer started in this turn is due in the next at best.
    turn_began_ = timers_.next_order();
    if (!dismissed_.empty()) {
        end_dismissed();
    }
}

void loop::end_turn() noexcept {
    in_turn_ = false;
    if (!dismissed_.empty()) { // no other turn may come
        end_dismissed();
    }
}

turn_report loop::turn_of_mail() noexcept {
    turn_report report;
    begin_turn();
    update_time();
    mail_came_ = true;
    after_sleep(report, late_timers::next_turn);
    end_turn();
    return report;
}

turn_report loop::turn(waiting wait, late_timers late) noexcept {
    turn_report report;
    begin_turn();
    if (before_sleep(report)) {
        // In a step, somebody was served already: what is ready now is still taken along.
        const bool served = late == late_timers::this_turn && report.resumed > 0;
        const bool called_off = deliverer_.interrupted();
        const std::int64_t limit =
            sleep_limit(served || called_off ? waiting::forbidden : wait);
        served_ = 0;
        const bool asks =
            wait == waiting::forbidden || late == late_timers::this_turn || !enough_to_do();
        const op::entry ended = asks ? engine_->enter(queued_, *this, limit) : op::entry::done;
        report.interrupted = called_off || ended == op::entry::interrupted;
        if (limit != 0) {
            update_time();
        }
        after_sleep(report, late);
    }
    end_turn();
    return report;
}

} // namespace coring::loop
