// Goal: a sleep lasts as long as it says, a pause lasts one turn, and both can be left.
// Method: virtual time for the loop, the clock of the system for the blocking one.
#include "io/sleep.hpp"
#include "unit/support/host.hpp"
#include "unit/support/ticking.hpp"

namespace {

using namespace coring;
using namespace coring::support;

class sleep_test : public hosted {
protected:
    task& sleep(std::uint64_t deadline_ns) {
        task& who = on.make("sleep");
        EXPECT_TRUE(on.loop.reserve_timer());
        io::sleep_start(on.loop, on.reserve(who, io::sleep_type), deadline_ns);
        return who;
    }

    task& pause() {
        task& who = on.make("pause");
        io::pause_start(on.loop, on.reserve(who, io::sleep_type));
        return who;
    }
};

ON_ALL_ENGINES(sleep_test);

TEST_P(sleep_test, it_ends_at_its_deadline_and_not_before) {
    task& who = sleep(clock.now + 7);
    clock.now += 6;
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 0);
    clock.now += 1;
    on.turn();
    EXPECT_EQ(who.result, 0);
    on.expect_nothing_left();
}

TEST_P(sleep_test, a_deadline_that_has_passed_is_due_in_the_next_turn) {
    task& who = sleep(clock.now - 5);
    EXPECT_EQ(who.times, 0);
    on.turn();
    EXPECT_EQ(who.times, 1);
}

TEST_P(sleep_test, a_pause_lasts_one_turn) {
    task& who = pause();
    EXPECT_EQ(who.times, 0);
    on.turn();
    EXPECT_EQ(who.result, 0);
    on.expect_nothing_left();
}

TEST_P(sleep_test, one_that_is_left_keeps_nobody_waiting) {
    on.leave(sleep(clock.now + base::ns_per_s));
    on.leave(pause());
    EXPECT_FALSE(on.loop.alive());
    on.expect_nothing_left();
}

TEST(sleep_blocking, it_is_never_short_though_signals_come) {
    const ticking signals;
    const std::uint64_t begun = base::monotonic_ns();
    io::sleep_blocking(35'000'000);
    EXPECT_GE(base::monotonic_ns() - begun, 35'000'000U);
}

} // namespace
