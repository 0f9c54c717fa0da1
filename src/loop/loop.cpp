#include "loop/loop.hpp"

#include "op/descriptor.hpp"
#include "threadpool/pool.hpp"

#include <cerrno>

namespace coring::loop {

namespace {

constexpr unsigned mailbox_watch = 0;
constexpr unsigned side_poller_watch = 1;

} // namespace

loop::loop(deliverer& to, base::clock_source& clock) noexcept
    : deliverer_{to}, clock_{clock}, timers_{operations_} {
    update_time();
}

loop::~loop() = default;

base::result<void> loop::open(const engine_wish& wish, residence where) noexcept {
    auto chosen = choose_engine(wish, operations_, where);
    if (!chosen) {
        return base::failure{chosen.error()};
    }
    wish_ = wish;
    engine_ = std::move(chosen.value().engine);
    refusal_ = chosen.value().refusal;
    return {};
}

bool loop::adopt_thread() noexcept {
    if (engine_->belongs_here()) {
        return true;
    }
    if (engine_->in_kernel() > 0) {
        return false;
    }
    auto chosen = choose_engine(wish_, operations_);
    if (!chosen) {
        return false;
    }
    engine_ = std::move(chosen.value().engine);
    if (mailbox_open_) {
        static_cast<void>(engine_->watch(mailbox_.fd(), mailbox_watch));
    }
    if (side_poller_open_) {
        static_cast<void>(engine_->watch(side_poller_.fd(), side_poller_watch));
    }
    return true;
}

void loop::park() noexcept {
    parking_ = true;
    engine_->park(*this);
    parking_ = false;
}

op::operation* loop::acquire(const op::operation_type& type, void* waiter) noexcept {
    op::operation* record = operations_.acquire();
    if (record == nullptr) {
        return nullptr;
    }
    record->type = &type;
    record->waiter = waiter;
    record->target = nullptr;
    record->data = nullptr;
    record->result = 0;
    record->anchored = false;
    record->chained = op::operation::not_chained;
    ++awaiting_;
    return record;
}

void loop::reuse(op::operation& delivered, const op::operation_type& type) noexcept {
    if (delivered.at == op::state::delivering) { // else an await failed to start with it
        delivered.conclude();
    }
    CORING_ASSERT(delivered.at == op::state::idle);
    if (delivered.type->moved_on != nullptr) {
        delivered.type->moved_on(delivered);
    }
    ++delivered.generation;
    delivered.type = &type;
    delivered.target = nullptr;
    delivered.result = 0;
    CORING_ASSERT(delivered.data == nullptr);
}

void loop::queue(op::operation& idle) noexcept {
    idle.arm();
    queued_.push_back(idle);
}

void loop::queue_armed(op::operation& armed) noexcept {
    CORING_ASSERT(armed.at == op::state::queued || armed.at == op::state::detached_queued);
    queued_.push_back(armed);
}

void loop::list_ready(op::operation& ready, op::phase when) noexcept {
    switch (when) {
    case op::phase::transfers:
        transfers_.push_back(ready);
        return;
    case op::phase::events:
        events_.push_back(ready);
        return;
    case op::phase::canceled:
        canceled_.push_back(ready);
        return;
    }
}

void loop::settle(op::operation& queued, int result, op::phase when) noexcept {
    queued.unlink();
    if (queued.is_detached()) {
        queued.result = result;
        end_detached(queued);
        return;
    }
    queued.settle(result);
    list_ready(queued, when);
}

bool loop::settle_in_this_turn(op::operation& queued) noexcept {
    if (current_ == nullptr) {
        return false;
    }
    queued.unlink();
    queued.settle(0);
    current_->push_back(queued);
    return true;
}

void loop::start_timer(op::operation& idle, std::uint64_t deadline_ns) noexcept {
    idle.arm();
    idle.submit();
    timers_.add(idle, deadline_ns);
}

void loop::delay(op::operation& queued, std::uint64_t deadline_ns) noexcept {
    queued.submit();
    timers_.add(queued, deadline_ns);
}

void loop::start_zero(op::operation& idle) noexcept {
    idle.arm();
    idle.settle(0);
    // Whoever comes anew goes in front; whoever is being resumed keeps its place
    // (behaviour 2.5).
    if (idle.waiter == zero_resumed_) {
        zero_.push_back(idle);
    } else {
        zero_.push_front(idle);
    }
}

// --- leaving --------------------------------------------------------------------------------

void loop::withdraw(op::operation& target) noexcept {
    if (target.timed) {
        timers_.remove(target);
    } else if (target.in_kernel()) {
        engine_->withdraw(target, *this);
    }
}

void loop::leave(op::operation& waiting) noexcept {
    const bool goes_on = waiting.type->on_leave != op::departure::drop;
    if (goes_on && waiting.at != op::state::ready && waiting.type->take_over != nullptr) {
        waiting.type->take_over(waiting);
    }
    if (goes_on && waiting.at != op::state::ready) {
        waiting.detach();
        waiting.waiter = nullptr;
        --awaiting_;
        ++going_on_;
        return;
    }
    drop(waiting);
}

void loop::drop(op::operation& waiting) noexcept {
    if (waiting.at == op::state::in_flight) {
        withdraw(waiting); // the kernel may report it at the last moment
    }
    waiting.unlink();
    if (waiting.at == op::state::queued) {
        waiting.drop_queued();
    } else if (waiting.at == op::state::in_flight) {
        waiting.drop_in_flight();
    } else {
        waiting.drop_ready();
    }
    conclude(waiting);
}

void loop::pull(op::operation& waiting, int result) noexcept {
    if (waiting.at == op::state::in_flight) {
        withdraw(waiting);
    }
    waiting.unlink();
    if (waiting.at == op::state::in_flight) {
        waiting.complete(result);
    } else if (waiting.at == op::state::queued) {
        waiting.settle(result);
    } else {
        CORING_ASSERT(waiting.at == op::state::ready);
        waiting.result = result;
    }
}

void loop::cancel_ready(op::operation& ready) noexcept {
    CORING_ASSERT(ready.at == op::state::ready);
    ready.unlink();
    canceled_.push_back(ready);
}

void loop::conclude(op::operation& done) noexcept {
    if (done.at == op::state::delivering) {
        done.conclude();
    }
    CORING_ASSERT(done.at == op::state::idle && !done.linked());
    detach_from_object(done);
    CORING_ASSERT(awaiting_ > 0);
    --awaiting_;
    operations_.release(done);
}

void loop::end_detached(op::operation& done) noexcept {
    done.unlink();
    done.end_detached();
    detach_from_object(done);
    CORING_ASSERT(going_on_ > 0);
    --going_on_;
    operations_.release(done);
}

base::result<void> loop::open_side_poller() noexcept {
    if (side_poller_open_) {
        return {};
    }
    if (auto opened = side_poller_.open(); !opened) {
        return opened;
    }
    if (const int failed = engine_->watch(side_poller_.fd(), side_poller_watch); failed != 0) {
        return base::failure{failed};
    }
    side_poller_open_ = true;
    return {};
}

base::result<void> loop::watch(int fd, source& of) noexcept {
    if (auto opened = open_side_poller(); !opened) {
        return opened;
    }
    const int failed = side_poller_.add_readable(fd, &of);
    return failed == 0 ? base::result<void>{} : base::failure{failed};
}

base::result<void> loop::watch_edges(int fd, source& of) noexcept {
    if (auto opened = open_side_poller(); !opened) {
        return opened;
    }
    const int failed = side_poller_.add_edges(fd, &of);
    return failed == 0 ? base::result<void>{} : base::failure{failed};
}

void loop::unwatch(int fd) noexcept {
    side_poller_.remove(fd);
}

base::result<void> loop::open_mailbox() noexcept {
    if (mailbox_open_) {
        return {};
    }
    if (auto opened = mailbox_.open(); !opened) {
        return opened;
    }
    if (const int failed = engine_->watch(mailbox_.fd(), mailbox_watch); failed != 0) {
        return base::failure{failed};
    }
    mailbox_open_ = true;
    return {};
}

// --- what the engine reports ----------------------------------------------------------------

void loop::completed(op::operation& done, int answer) noexcept {
    if (parking_ && answer == -ECANCELED) {
        done.go_again();
        queued_.push_back(done);
        return;
    }
    report(done, answer);
    while (op::operation* next = behind_.pop_front()) {
        settle(*next, next->result);
    }
}

void loop::report(op::operation& done, int answer) noexcept {
    done.result = answer;
    if (!closing_ && done.type->finish != nullptr && !done.type->finish(done, answer)) {
        done.go_again();
        queued_.push_back(done);
        return;
    }
    if (done.is_detached()) {
        end_detached(done);
        return;
    }
    ++served_;
    done.complete(done.result);
    list_ready(done, done.type->delivered_in);
}

void loop::watched(unsigned watch) noexcept {
    mail_came_ = mail_came_ || watch == mailbox_watch;
    side_poller_ready_ = side_poller_ready_ || watch == side_poller_watch;
}

void loop::end_dismissed() noexcept {
    while (companion* done = dismissed_.pop_front()) {
        done->dismissed(*done);
    }
}

void loop::flush() noexcept {
    constexpr int bound = 64;
    for (int tries = 0; tries < bound && !queued_.empty(); ++tries) {
        engine_->enter(queued_, *this, 0);
    }
}

bool loop::close() noexcept {
    if (engine_ == nullptr) {
        return true;
    }
    dismissed_.splice_back(companions_);
    end_dismissed();
    closing_ = true;
    if (mailbox_open_) {
        // Workers that are stuck are left behind; none touches the mailbox after this.
        static_cast<void>(threadpool::pool::process().drain(mailbox_));
        open_letters();
    }
    // The ring of another thread is only closed, if it has nothing but our watches.
    const bool all =
        engine_->belongs_here() ? engine_->withdraw_all(*this) : engine_->in_kernel() == 0;
    // What nobody will deliver any more is let go of. Calls that a worker still makes are not;
    // waits for a descriptor are over, even where no engine had to report them.
    for_each_operation([this, all](op::operation& left) {
        if (!left.in_kernel() || (all && left.type->side != op::direction::none)) {
            detach_from_object(left);
        }
    });
    return all;
}

counters loop::count() const noexcept {
    const std::uint32_t in_kernel = engine_ != nullptr ? engine_->in_kernel() : 0;
    return counters{awaiting_, going_on_, in_kernel, operations_.in_use()};
}

} // namespace coring::loop
