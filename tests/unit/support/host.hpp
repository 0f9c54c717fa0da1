// A loop with stand-ins for coroutines: what happens when one is resumed is a function of the
// test.
#pragma once

#include "loop/loop.hpp"
#include "unit/support/engines.hpp"
#include "unit/support/verbs.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coring::support {

// Time that passes when a test says so.
class virtual_clock final : public base::clock_source {
public:
    std::uint64_t now = 1'000'000'000;

    [[nodiscard]] std::uint64_t now_ns() noexcept override { return now; }
};

// Waits in one operation at a time, as a coroutine does.
struct task {
    std::string name;
    std::function<void(task&)> then;         // what it does once it was resumed
    std::function<int(op::operation&)> take; // how a delivery takes its result; -EAGAIN: again
    std::function<void(op::operation&)> again; // how it waits on when there was nothing
    op::operation* waits_in = nullptr;
    std::optional<int> result; // of the last operation that was delivered
    int times = 0;             // how often it was resumed
};

// The loop, and who resumes.
class host final : public loop::deliverer {
public:
    explicit host(base::clock_source& clock) : loop{*this, clock} {}

    loop::loop loop;
    std::vector<std::string> order; // who was resumed, in order
    bool refuses = false;           // as a state that is out of C stack

    task& make(std::string name, std::function<void(task&)> then = {}) {
        task& made = tasks_.emplace_back();
        made.name = std::move(name);
        made.then = std::move(then);
        return made;
    }

    // A record for what the task will wait in.
    op::operation& reserve(task& who, const op::operation_type& type) {
        who.waits_in = loop.acquire(type, &who);
        EXPECT_NE(who.waits_in, nullptr);
        return *who.waits_in;
    }

    void pause(task& who) { loop.start_zero(reserve(who, timer_type)); }

    void sleep(task& who, std::uint64_t deadline_ns) {
        EXPECT_TRUE(loop.reserve_timer());
        loop.start_timer(reserve(who, timer_type), deadline_ns);
    }

    void leave(task& who) { loop.leave(*std::exchange(who.waits_in, nullptr)); }

    // Gives an operation that an object's close() took out to its waiter.
    void deliver_now(op::operation* pulled) {
        if (pulled != nullptr) {
            static_cast<void>(deliver(*pulled));
        }
    }

    loop::turn_report turn(loop::late_timers late = loop::late_timers::next_turn) {
        return loop.turn(loop::waiting::allowed, late);
    }

    loop::turn_report turn_without_waiting() {
        return loop.turn(loop::waiting::forbidden, loop::late_timers::next_turn);
    }

    // Turns until `done`; the watchdog bounds it. A turn may resume somebody and then sleep: it
    // is kept from that once the last resumption was the one waited for.
    template <typename Predicate>
    void turn_until(Predicate done) {
        loop.begin_run();
        enough_ = done;
        while (!done()) {
            turn();
        }
        enough_ = nullptr;
        loop.begin_run();
    }

    void run() {
        loop.begin_run();
        while (loop.alive() && !loop.halted()) {
            turn();
        }
    }

    [[nodiscard]] std::string sequence() {
        std::string text;
        for (const std::string& name : std::exchange(order, {})) {
            text += (text.empty() ? "" : " ") + name;
        }
        return text;
    }

    // Every operation has ended and its record is back.
    void expect_nothing_left() const {
        const loop::counters counters = loop.count();
        EXPECT_EQ(counters.awaiting, 0U);
        EXPECT_EQ(counters.going_on, 0U);
        EXPECT_EQ(counters.records, 0U);
    }

    loop::delivery deliver(op::operation& ready) noexcept override {
        auto& who = *static_cast<task*>(ready.waiter);
        if (refuses) {
            return loop::delivery::refused;
        }
        ready.begin_delivery();
        int answer = ready.result;
        if (answer == 0 && who.take) {
            answer = who.take(ready);
            if (answer == -EAGAIN) {
                who.again(ready);
                return loop::delivery::again;
            }
        }
        loop.detach_from_object(ready);
        who.waits_in = nullptr;
        who.result = answer;
        ++who.times;
        order.push_back(who.name);
        if (who.then) {
            auto continuation = who.then; // it may set another
            continuation(who);
        }
        if (ready.at == op::state::delivering) { // else it waits anew, with the same record
            loop.conclude(ready);
        }
        if (enough_ && enough_()) {
            loop.halt();
        }
        return loop::delivery::resumed;
    }

private:
    std::function<bool()> enough_;
    std::deque<task> tasks_;
};

// A host on the engine of the parameter; everything is taken back from the kernel at the end.
template <typename Clock>
class hosted_with : public on_an_engine {
protected:
    Clock clock;
    host on{clock};

    void SetUp() override {
        const auto opened = on.loop.open(GetParam().wish);
        SKIP_IF_REFUSED(opened);
    }

    void TearDown() override { EXPECT_TRUE(on.loop.close()); }
};

using hosted = hosted_with<virtual_clock>;
using hosted_in_real_time = hosted_with<base::system_clock>;

} // namespace coring::support
