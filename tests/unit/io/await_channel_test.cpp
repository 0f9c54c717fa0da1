// Goal: waits of one loop are matched without a mailbox, those of different loops by mail; who
// leaves or closes at any moment leaves nothing behind; the loop knows how many wait.
// Method: loops whose waiters count what they got; for races, loops on threads of their own.
#include "io/await_channel.hpp"
#include "unit/support/engines.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

namespace {

using namespace coring;
using namespace coring::support;
using threadpool::endpoint;
using threadpool::parcel;
using threadpool::rendezvous;

parcel& parcel_of(std::int64_t value) {
    parcel* made = parcel::make();
    EXPECT_TRUE(made->values.reserve(1, 0));
    made->values.add(value);
    return *made;
}

class meeting_loop final : public loop::deliverer {
public:
    meeting_loop() : on{*this, clock_} {}

    ~meeting_loop() override { EXPECT_TRUE(on.close()); }

    base::result<void> open(const loop::engine_wish& wish) {
        if (auto opened = on.open(wish); !opened) {
            return opened;
        }
        return on.open_mailbox();
    }

    loop::delivery deliver(op::operation& ready) noexcept override {
        ready.begin_delivery();
        if (ready.type == &io::await_channel_type) {
            ++resumed;
            if (ready.result == 0) {
                got += io::channel_values(ready).values()[0].integer;
            } else {
                EXPECT_EQ(ready.result, -ECANCELED);
                ++canceled;
            }
        }
        on.conclude(ready);
        return loop::delivery::resumed;
    }

    void turn(loop::waiting how) { on.turn(how, loop::late_timers::next_turn); }

    // Whether it waits; if not, nothing was started.
    bool wait(io::channel& through, endpoint end, std::int64_t value) {
        parcel& brings = parcel_of(value);
        io::channel_wait* coming = io::channel_wait_make(on, end, brings);
        EXPECT_NE(coming, nullptr);
        if (!io::channel_wait_line_up(through, *coming)) {
            io::channel_wait_discard(*coming);
            brings.let_go();
            return false;
        }
        op::operation* record = on.acquire(io::await_channel_type, this);
        EXPECT_NE(record, nullptr);
        io::await_channel_start(through, *record, *coming);
        return true;
    }

    // Matches whoever waits; what that brought, or zero.
    std::int64_t sync(const io::channel& through, endpoint end, std::int64_t value) {
        for (;;) {
            const threadpool::glimpse seen = rendezvous::process().look(*through.at, end);
            if (seen.brings == nullptr) {
                return 0;
            }
            const std::int64_t theirs = seen.brings->values.values()[0].integer;
            parcel& mine = parcel_of(value);
            const bool taken = rendezvous::process().take(*through.at, seen.ticket, mine, &on);
            seen.brings->let_go();
            if (taken) {
                return theirs;
            }
            mine.let_go();
        }
    }

private:
    base::system_clock clock_; // before the loop, which asks it at once

public:
    loop::loop on;
    int resumed = 0;
    int canceled = 0;
    std::int64_t got = 0;
};

struct open_channel : io::channel {
    explicit open_channel(const char* name = "unit") { at = rendezvous::process().open(name); }

    open_channel(const open_channel&) = delete;
    open_channel& operator=(const open_channel&) = delete;
    open_channel(open_channel&&) = delete;
    open_channel& operator=(open_channel&&) = delete;

    ~open_channel() {
        EXPECT_EQ(waiting, nullptr);
        rendezvous::process().close(*at);
    }
};

class await_channel_test : public on_an_engine {
protected:
    // Skips where there is no ring.
    void SetUp() override {
        meeting_loop probe;
        const auto opened = probe.open(GetParam().wish);
        SKIP_IF_REFUSED(opened);
    }

    void TearDown() override { EXPECT_FALSE(rendezvous::process().exists("unit")); }
};

ON_ALL_ENGINES(await_channel_test);

TEST_P(await_channel_test, in_one_loop_no_mail_is_needed) {
    meeting_loop here;
    ASSERT_TRUE(here.open(GetParam().wish));
    open_channel one;
    ASSERT_TRUE(here.wait(one, endpoint::in, 1));
    EXPECT_EQ(io::channel_waits(here.on), 1u);
    EXPECT_EQ(here.sync(one, endpoint::out, 2), 1);
    EXPECT_EQ(io::channel_waits(here.on), 0u);
    EXPECT_TRUE(here.on.mailbox().empty());
    EXPECT_EQ(here.resumed, 0);
    here.turn(loop::waiting::allowed);
    EXPECT_EQ(here.resumed, 1);
    EXPECT_EQ(here.got, 2);
    EXPECT_FALSE(here.on.alive());
}

TEST_P(await_channel_test, between_loops_the_wait_is_the_mail) {
    meeting_loop here;
    meeting_loop there;
    ASSERT_TRUE(here.open(GetParam().wish));
    ASSERT_TRUE(there.open(GetParam().wish));
    open_channel one;
    ASSERT_TRUE(here.wait(one, endpoint::in, 1));
    EXPECT_EQ(there.sync(one, endpoint::out, 2), 1);
    EXPECT_FALSE(here.on.mailbox().empty_now());
    EXPECT_EQ(io::channel_waits(here.on), 1u) << "not known yet";
    here.turn(loop::waiting::allowed);
    EXPECT_EQ(io::channel_waits(here.on), 0u);
    EXPECT_EQ(here.got, 2);
    EXPECT_EQ(there.resumed, 0);
}

TEST_P(await_channel_test, who_leaves_frees_the_channel_at_any_moment) {
    meeting_loop here;
    meeting_loop there;
    ASSERT_TRUE(here.open(GetParam().wish));
    ASSERT_TRUE(there.open(GetParam().wish));
    open_channel one;
    const std::array<std::function<void()>, 3> moments = {
        [] {},
        [&] { EXPECT_EQ(here.sync(one, endpoint::out, 2), 1); },
        [&] { EXPECT_EQ(there.sync(one, endpoint::out, 2), 1); },
    };
    for (const auto& moment : moments) {
        ASSERT_TRUE(here.wait(one, endpoint::in, 1));
        moment();
        here.on.leave(*one.waiting);
        EXPECT_EQ(one.waiting, nullptr);
        EXPECT_EQ(io::channel_waits(here.on), 0u);
        EXPECT_FALSE(here.on.alive());
        EXPECT_EQ(there.sync(one, endpoint::out, 3), 0);
        here.turn(loop::waiting::forbidden); // opens what mail there is
    }
    EXPECT_EQ(here.resumed, 0);
}

TEST_P(await_channel_test, closing_a_channel_ends_the_wait_unless_it_was_matched) {
    meeting_loop here;
    meeting_loop there;
    ASSERT_TRUE(here.open(GetParam().wish));
    ASSERT_TRUE(there.open(GetParam().wish));
    open_channel one;
    ASSERT_TRUE(here.wait(one, endpoint::in, 1));
    op::operation& waiting = *one.waiting;
    ASSERT_TRUE(io::await_channel_cancel(one));
    EXPECT_EQ(waiting.at, op::state::ready);
    here.on.cancel_ready(waiting);
    here.turn(loop::waiting::forbidden);
    EXPECT_EQ(here.canceled, 1);
    for (meeting_loop* other : {&here, &there}) {
        ASSERT_TRUE(here.wait(one, endpoint::in, 1));
        EXPECT_EQ(other->sync(one, endpoint::out, 5), 1);
        EXPECT_FALSE(io::await_channel_cancel(one));
        EXPECT_EQ(one.waiting, nullptr);
        here.turn(loop::waiting::forbidden);
    }
    EXPECT_EQ(here.got, 10);
    EXPECT_EQ(here.canceled, 1);
}

TEST_P(await_channel_test, a_loop_that_closes_takes_its_waits_along) {
    meeting_loop there;
    ASSERT_TRUE(there.open(GetParam().wish));
    open_channel left;
    open_channel matched;
    open_channel waiting;
    {
        meeting_loop here;
        ASSERT_TRUE(here.open(GetParam().wish));
        ASSERT_TRUE(here.wait(left, endpoint::in, 1));
        EXPECT_EQ(there.sync(left, endpoint::out, 9), 1);
        here.on.leave(*left.waiting);
        ASSERT_TRUE(here.wait(matched, endpoint::in, 2));
        EXPECT_EQ(there.sync(matched, endpoint::out, 9), 2);
        ASSERT_TRUE(here.wait(waiting, endpoint::in, 3));
    }
    EXPECT_EQ(there.sync(waiting, endpoint::out, 9), 0);
}

TEST_P(await_channel_test, a_listener_is_told_of_a_match_by_another_loop) {
    struct told : base::mail_listener {
        std::atomic<int> times{0};
    } ear;

    ear.knocked = [](base::mail_listener& self) noexcept { ++static_cast<told&>(self).times; };
    meeting_loop here;
    meeting_loop there;
    ASSERT_TRUE(here.open(GetParam().wish));
    ASSERT_TRUE(there.open(GetParam().wish));
    here.on.mailbox().listen(&ear);
    open_channel one;
    open_channel other;
    ASSERT_TRUE(here.wait(one, endpoint::in, 1));
    ASSERT_TRUE(here.wait(other, endpoint::in, 2));
    EXPECT_TRUE(here.on.mailbox().empty_now());
    EXPECT_EQ(there.sync(one, endpoint::out, 5), 1);
    EXPECT_EQ(ear.times, 1);
    EXPECT_EQ(there.sync(other, endpoint::out, 5), 2);
    EXPECT_EQ(ear.times, 1) << "the mailbox was not empty";
    here.turn(loop::waiting::allowed);
    EXPECT_EQ(here.got, 10);
}

// --- races ----------------------------------------------------------------------------------

// Waits, comes, leaves and closes as the round says, with a few channels of its own.
class busy_loop {
public:
    busy_loop(const loop::engine_wish& wish, int index) : index_{index} {
        EXPECT_TRUE(here_.open(wish));
    }

    void round(int number) {
        const auto lane = static_cast<std::size_t>(number) % channels_.size();
        io::channel& at = channels_[lane];
        if (at.waiting != nullptr) {
            number % 5 == 0 ? here_.on.leave(*at.waiting)
                            : here_.turn(loop::waiting::forbidden);
            return;
        }
        const auto end = (index_ + number) % 2 == 0 ? endpoint::in : endpoint::out;
        if (!here_.wait(at, end, 1)) {
            matched_ += here_.sync(at, end, 1);
        }
    }

    // What it got as the one who came second; the other side may have lost its share.
    [[nodiscard]] std::int64_t total() const noexcept { return matched_ + here_.got; }

private:
    int index_;
    std::array<open_channel, 3> channels_;
    meeting_loop here_; // closes before its channels
    std::int64_t matched_ = 0;
};

TEST_P(await_channel_test, loops_on_threads_meet_leave_and_close) {
    constexpr int threads = 4;
    constexpr int lives = 10;
    constexpr int rounds = 1000;
    std::latch start{threads};
    std::atomic<std::int64_t> total{0};
    {
        std::vector<std::jthread> running;
        for (int index = 0; index < threads; ++index) {
            running.emplace_back([&, index] {
                start.arrive_and_wait();
                for (int life = 0; life < lives; ++life) {
                    busy_loop mine{GetParam().wish, index};
                    for (int number = 0; number < rounds; ++number) {
                        mine.round(number);
                    }
                    total += mine.total();
                }
            });
        }
    }
    EXPECT_GT(total, 0);
}

// Two loops that sleep until the other comes: no wake-up is lost.
TEST_P(await_channel_test, loops_that_sleep_wake_each_other) {
    constexpr int rounds = 2000;
    std::array<std::int64_t, 2> got{};
    {
        std::vector<std::jthread> running;
        for (int index = 0; index < 2; ++index) {
            running.emplace_back([&, index] {
                meeting_loop mine;
                ASSERT_TRUE(mine.open(GetParam().wish));
                open_channel at;
                const auto end = index == 0 ? endpoint::in : endpoint::out;
                std::int64_t sum = 0;
                for (int number = 1; number <= rounds; ++number) {
                    if (!mine.wait(at, end, number)) {
                        sum += mine.sync(at, end, number);
                        continue;
                    }
                    while (at.waiting != nullptr) {
                        mine.turn(loop::waiting::allowed);
                    }
                }
                got[static_cast<std::size_t>(index)] = sum + mine.got;
            });
        }
    }
    EXPECT_EQ(got[0], std::int64_t{rounds} * (rounds + 1) / 2);
    EXPECT_EQ(got[1], got[0]);
}

} // namespace
