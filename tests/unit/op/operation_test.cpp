// Goal: each numbered arrow of the record's life leads where the picture says, and from every
// other state it ends the process.
// Method: a table of all arrows with their origins and ends; each arrow is tried from each
// state, in death tests where it must not go.
#include "op/descriptor.hpp"
#include "op/operation.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace {

using namespace coring::op;

constexpr std::array all_states = {
    state::idle,       state::queued,          state::in_flight, state::ready,
    state::delivering, state::detached_queued, state::detached,
};

struct arrow {
    int number;
    const char* verb;
    void (*go)(operation&) noexcept;
    state from;
    state to;
};

constexpr int number_of_arrows = 18;

// In the order of docs/architecture.md. Several share a function, which then has two origins.
constexpr std::array<arrow, number_of_arrows> arrows = {{
    {1, "arm", [](operation& on) noexcept { on.arm(); }, state::idle, state::queued},
    {2, "submit", [](operation& on) noexcept { on.submit(); }, state::queued, state::in_flight},
    {3, "complete", [](operation& on) noexcept { on.complete(0); }, state::in_flight,
     state::ready},
    {4, "settle", [](operation& on) noexcept { on.settle(0); }, state::queued, state::ready},
    {5, "begin_delivery", [](operation& on) noexcept { on.begin_delivery(); }, state::ready,
     state::delivering},
    {6, "requeue", [](operation& on) noexcept { on.requeue(); }, state::delivering,
     state::queued},
    {7, "conclude", [](operation& on) noexcept { on.conclude(); }, state::delivering,
     state::idle},
    {8, "drop_queued", [](operation& on) noexcept { on.drop_queued(); }, state::queued,
     state::idle},
    {9, "drop_in_flight", [](operation& on) noexcept { on.drop_in_flight(); }, state::in_flight,
     state::idle},
    {10, "drop_ready", [](operation& on) noexcept { on.drop_ready(); }, state::ready,
     state::idle},
    {11, "detach", [](operation& on) noexcept { on.detach(); }, state::queued,
     state::detached_queued},
    {12, "detach", [](operation& on) noexcept { on.detach(); }, state::in_flight,
     state::detached},
    {13, "submit", [](operation& on) noexcept { on.submit(); }, state::detached_queued,
     state::detached},
    {14, "end_detached", [](operation& on) noexcept { on.end_detached(); }, state::detached,
     state::idle},
    {15, "end_detached", [](operation& on) noexcept { on.end_detached(); },
     state::detached_queued, state::idle},
    {16, "go_again", [](operation& on) noexcept { on.go_again(); }, state::detached,
     state::detached_queued},
    {17, "go_again", [](operation& on) noexcept { on.go_again(); }, state::in_flight,
     state::queued},
    {18, "postpone", [](operation& on) noexcept { on.postpone(); }, state::delivering,
     state::ready},
}};

// Whether some arrow of the same function starts at `from`: 2 and 13 are one function.
bool may_start_at(const arrow& tried, state from) {
    return std::any_of(arrows.begin(), arrows.end(), [&](const arrow& other) {
        return other.from == from && std::string_view{other.verb} == tried.verb;
    });
}

void PrintTo(const arrow& tried, std::ostream* out) {
    *out << tried.number;
}

class arrow_test : public ::testing::TestWithParam<arrow> {};

TEST_P(arrow_test, leads_where_the_picture_says) {
    operation record;
    record.at = GetParam().from;
    GetParam().go(record);
    EXPECT_EQ(record.at, GetParam().to);
}

using arrow_death_test = arrow_test;

TEST_P(arrow_death_test, starts_nowhere_else) {
    for (const state from : all_states) {
        if (may_start_at(GetParam(), from)) {
            continue;
        }
        operation record;
        record.at = from;
        EXPECT_DEATH(GetParam().go(record), "at == from") << state_name(from);
    }
}

std::string name_of_arrow(const ::testing::TestParamInfo<arrow>& info) {
    return "arrow_" + std::to_string(info.param.number) + "_" + info.param.verb;
}

INSTANTIATE_TEST_SUITE_P(each, arrow_test, ::testing::ValuesIn(arrows), name_of_arrow);
INSTANTIATE_TEST_SUITE_P(each, arrow_death_test, ::testing::ValuesIn(arrows), name_of_arrow);

TEST(operation, complete_and_settle_keep_the_result) {
    operation record;
    record.at = state::in_flight;
    record.complete(-5);
    EXPECT_EQ(record.result, -5);
    record.at = state::queued;
    record.settle(7);
    EXPECT_EQ(record.result, 7);
}

TEST(operation, only_what_is_in_flight_and_not_timed_is_in_the_kernel) {
    for (const state at : all_states) {
        operation record;
        record.at = at;
        const bool in_flight = at == state::in_flight || at == state::detached;
        EXPECT_EQ(record.in_kernel(), in_flight) << state_name(at);
        record.timed = true;
        EXPECT_FALSE(record.in_kernel()) << state_name(at);
    }
}

TEST(operation, the_detached_states_are_those_two) {
    for (const state at : all_states) {
        operation record;
        record.at = at;
        EXPECT_EQ(record.is_detached(), at == state::detached || at == state::detached_queued);
    }
}

TEST(operation, every_state_has_a_name_of_its_own) {
    std::set<std::string> names;
    for (const state at : all_states) {
        names.insert(state_name(at));
    }
    EXPECT_EQ(names.size(), all_states.size());
    EXPECT_EQ(names.count("?"), 0U);
}

TEST(descriptor, finding_it_empty_or_full_forgets_what_was_told) {
    descriptor at;
    at.readable = true;
    at.writable = true;
    at.drained();
    at.filled();
    EXPECT_FALSE(at.readable);
    EXPECT_FALSE(at.writable);
}

TEST(descriptor, after_a_hang_up_it_stays_readable_and_writable) {
    descriptor at;
    at.hung_up = true;
    at.drained();
    at.filled();
    EXPECT_TRUE(at.readable);
    EXPECT_TRUE(at.writable);
}

} // namespace
