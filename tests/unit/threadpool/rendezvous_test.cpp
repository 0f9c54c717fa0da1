// Goal: parties are matched in order, once, with those of the opposite end; names exist as long
// as somebody uses them; whoever looks may look as long as it likes.
// Method: schedules for the rules; for the races, threads that come, wait, and leave on their
// own, and a sum of what all of them brought and got.
#include "threadpool/rendezvous.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <latch>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace coring::threadpool; // NOLINT(google-build-using-namespace)
using std::string_view_literals::operator""sv;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

parcel* parcel_of(std::int64_t value) {
    parcel* made = parcel::make();
    EXPECT_NE(made, nullptr);
    EXPECT_TRUE(made->values.reserve(1, 0));
    made->values.add(value);
    return made;
}

std::int64_t value_of(const parcel* in) {
    return in == nullptr ? -1 : in->values.values()[0].integer;
}

// Counts how often it was told, and announces that too.
struct guest : party {
    guest(endpoint where, std::int64_t value) noexcept : party{tell, where} {
        brings = parcel_of(value);
    }

    static announcement tell(party& self, const void* by) noexcept {
        auto& told = static_cast<guest&>(self);
        told.by = by;
        ++told.matches;
        return {announced, &told};
    }

    static void announced(void* to) noexcept {
        auto& told = *static_cast<guest*>(to);
        ++told.announcements;
        told.announcements.notify_all();
    }

    const void* by = nullptr;
    int matches = 0;
    std::atomic<int> announcements{0};
};

class rendezvous_test : public ::testing::Test {
protected:
    void TearDown() override {
        if (point != nullptr) {
            meetings.close(*point);
        }
        EXPECT_EQ(meetings.copy_names(nullptr, 0), 0u);
    }

    std::multiset<std::string> names() {
        std::vector<char> bytes(meetings.copy_names(nullptr, 0));
        EXPECT_EQ(meetings.copy_names(bytes.data(), bytes.size()), bytes.size());
        std::multiset<std::string> all;
        for (std::size_t at = 0; at < bytes.size();) {
            std::size_t size = 0;
            std::memcpy(&size, bytes.data() + at, sizeof size);
            all.emplace(bytes.data() + at + sizeof size, size);
            at += sizeof size + size;
        }
        return all;
    }

    rendezvous meetings;
    meeting_point* point = meetings.open("x");
};

TEST_F(rendezvous_test, one_name_is_one_point_whatever_its_bytes) {
    meeting_point* again = meetings.open("x");
    EXPECT_EQ(again, point);
    meeting_point* longer = meetings.open("x\0"sv);
    EXPECT_NE(longer, point);
    meeting_point* nameless = meetings.open("");
    EXPECT_EQ(rendezvous::name_of(*longer), "x\0"sv);
    EXPECT_THAT(names(), UnorderedElementsAre("x", std::string("x\0", 2), ""));
    EXPECT_TRUE(meetings.exists("x\0"sv));
    EXPECT_FALSE(meetings.exists("x\0\0"sv));
    meetings.close(*again);
    meetings.close(*longer);
    meetings.close(*nameless);
    EXPECT_THAT(names(), UnorderedElementsAre("x"));
}

TEST_F(rendezvous_test, thousands_of_names_come_and_go) {
    std::vector<meeting_point*> opened;
    for (int index = 0; index < 5000; ++index) {
        opened.push_back(meetings.open("name " + std::to_string(index)));
    }
    EXPECT_EQ(names().size(), 5001u);
    for (int index = 0; index < 5000; ++index) {
        const std::string name = "name " + std::to_string(index);
        meeting_point* again = meetings.open(name);
        EXPECT_EQ(again, opened[static_cast<std::size_t>(index)]);
        meetings.close(*again);
        meetings.close(*again);
        EXPECT_FALSE(meetings.exists(name));
    }
}

TEST_F(rendezvous_test, names_without_room_are_left_out) {
    std::array<char, 9> bytes{};
    EXPECT_EQ(meetings.copy_names(bytes.data(), bytes.size() - 1), 9u);
    EXPECT_EQ(bytes[8], '\0');
    EXPECT_EQ(meetings.copy_names(bytes.data(), bytes.size()), 9u);
    EXPECT_EQ(bytes[8], 'x');
}

TEST_F(rendezvous_test, a_waiting_party_keeps_the_name) {
    guest waiting{endpoint::in, 1};
    ASSERT_TRUE(meetings.wait(*point, waiting));
    meetings.close(*point);
    EXPECT_THAT(names(), UnorderedElementsAre("x"));
    EXPECT_TRUE(meetings.withdraw(waiting));
    EXPECT_THAT(names(), UnorderedElementsAre());
    point = nullptr;
}

TEST_F(rendezvous_test, a_match_gives_up_the_name_of_who_waited) {
    guest waiting{endpoint::in, 1};
    guest coming{endpoint::out, 2};
    ASSERT_TRUE(meetings.wait(*point, waiting));
    EXPECT_TRUE(meetings.arrive(*point, coming, this));
    meetings.close(*point);
    EXPECT_THAT(names(), UnorderedElementsAre());
    point = nullptr;
}

TEST_F(rendezvous_test, ends_match_their_opposite_and_any_matches_all) {
    for (const endpoint first : {endpoint::in, endpoint::out, endpoint::any}) {
        for (const endpoint second : {endpoint::in, endpoint::out, endpoint::any}) {
            const bool fits = first != second || first == endpoint::any;
            guest waiting{first, 1};
            guest coming{second, 2};
            ASSERT_TRUE(meetings.wait(*point, waiting));
            EXPECT_EQ(meetings.arrive(*point, coming, this), fits);
            EXPECT_EQ(waiting.matches, fits ? 1 : 0);
            EXPECT_EQ(coming.matches, 0);
            EXPECT_EQ(waiting.announcements, waiting.matches);
            EXPECT_EQ(value_of(waiting.gets), fits ? 2 : -1);
            EXPECT_EQ(value_of(coming.gets), fits ? 1 : -1);
            EXPECT_EQ(waiting.by, fits ? this : nullptr);
            EXPECT_EQ(meetings.withdraw(waiting), !fits);
            EXPECT_EQ(meetings.withdraw(coming), !fits);
        }
    }
}

TEST_F(rendezvous_test, the_first_in_line_is_matched_first) {
    std::array<guest, 4> waiting = {
        guest{endpoint::in, 1},
        {endpoint::in, 2},
        {endpoint::in, 3},
        {endpoint::in, 4},
    };
    for (guest& each : waiting) {
        ASSERT_TRUE(meetings.wait(*point, each));
    }
    EXPECT_TRUE(meetings.withdraw(waiting[1]));
    EXPECT_FALSE(meetings.withdraw(waiting[1]));
    std::vector<std::int64_t> order;
    for (int index = 0; index < 3; ++index) {
        guest coming{endpoint::any, 10};
        EXPECT_TRUE(meetings.arrive(*point, coming, nullptr));
        order.push_back(value_of(coming.gets));
    }
    EXPECT_THAT(order, ElementsAre(1, 3, 4));
    EXPECT_EQ(meetings.look(*point, endpoint::any).brings, nullptr);
}

TEST_F(rendezvous_test, nobody_waits_while_there_is_a_match) {
    guest waiting{endpoint::out, 1};
    guest coming{endpoint::in, 2};
    ASSERT_TRUE(meetings.wait(*point, waiting));
    EXPECT_FALSE(meetings.wait(*point, coming));
    EXPECT_EQ(value_of(coming.brings), 2);
    EXPECT_TRUE(meetings.withdraw(waiting));
}

TEST_F(rendezvous_test, looking_changes_nothing_and_taking_needs_what_was_seen) {
    guest waiting{endpoint::in, 1};
    ASSERT_TRUE(meetings.wait(*point, waiting));
    EXPECT_EQ(meetings.look(*point, endpoint::in).brings, nullptr);
    const glimpse seen = meetings.look(*point, endpoint::out);
    EXPECT_EQ(value_of(seen.brings), 1);
    EXPECT_EQ(waiting.matches, 0);

    // It leaves and comes again: that is another wait.
    EXPECT_TRUE(meetings.withdraw(waiting));
    ASSERT_TRUE(meetings.wait(*point, waiting));
    parcel* mine = parcel_of(2);
    EXPECT_FALSE(meetings.take(*point, seen.ticket, *mine, this));
    EXPECT_EQ(waiting.matches, 0);
    const glimpse again = meetings.look(*point, endpoint::out);
    EXPECT_TRUE(meetings.take(*point, again.ticket, *mine, this));
    EXPECT_EQ(waiting.announcements, 1);
    EXPECT_EQ(value_of(waiting.gets), 2);
    again.brings->let_go();

    EXPECT_EQ(value_of(seen.brings), 1) << "who looks may look as long as it likes";
    seen.brings->let_go();
}

TEST_F(rendezvous_test, what_was_seen_stays_when_another_took_it) {
    glimpse seen;
    {
        guest waiting{endpoint::in, 1};
        ASSERT_TRUE(meetings.wait(*point, waiting));
        seen = meetings.look(*point, endpoint::out);
        guest quicker{endpoint::out, 3};
        ASSERT_TRUE(meetings.arrive(*point, quicker, nullptr));
    }
    EXPECT_EQ(value_of(seen.brings), 1);
    seen.brings->let_go();
}

// --- races ----------------------------------------------------------------------------------

struct tally {
    std::int64_t brought = 0;
    std::int64_t got = 0;
    std::int64_t matches = 0;
};

void wait_for_announcement(guest& told) {
    int count = told.announcements;
    while (count == 0) {
        told.announcements.wait(count);
        count = told.announcements;
    }
}

// Comes, waits a while, and leaves, if nobody came.
void come_and_go(rendezvous& meetings,
                 meeting_point& at,
                 endpoint end,
                 int round,
                 tally& sums) {
    const std::int64_t value = round + 1;
    guest mine{end, value};
    if (!meetings.arrive(at, mine, nullptr)) {
        if (round % 7 == 0) {
            std::this_thread::yield();
        }
        if (meetings.withdraw(mine)) {
            return;
        }
        EXPECT_EQ(mine.matches, 1);
        wait_for_announcement(mine);
    }
    sums.brought += value;
    sums.got += value_of(mine.gets);
    ++sums.matches;
}

// Takes what it sees, if it still can.
void look_and_take(rendezvous& meetings,
                   meeting_point& at,
                   endpoint end,
                   int round,
                   tally& sums) {
    const glimpse seen = meetings.look(at, end);
    if (seen.brings == nullptr) {
        return;
    }
    const std::int64_t theirs = value_of(seen.brings);
    parcel* mine = parcel_of(round + 1);
    if (meetings.take(at, seen.ticket, *mine, nullptr)) {
        sums.brought += round + 1;
        sums.got += theirs;
        ++sums.matches;
    } else {
        mine->let_go();
    }
    seen.brings->let_go();
}

TEST_F(rendezvous_test, threads_that_come_and_go_lose_nothing) {
    constexpr int threads = 4;
    constexpr int rounds = 20000;
    std::array<tally, threads> tallies;
    std::latch start{threads};
    {
        std::vector<std::jthread> running;
        for (int index = 0; index < threads; ++index) {
            running.emplace_back([&, index] {
                tally& mine = tallies[static_cast<std::size_t>(index)];
                start.arrive_and_wait();
                for (int round = 0; round < rounds; ++round) {
                    const auto end = static_cast<endpoint>((round + index) % 3);
                    // Names come and go as well.
                    meeting_point* at = meetings.open(round % 2 == 0 ? "x" : "y");
                    if (index == 0) {
                        look_and_take(meetings, *at, end, round, mine);
                    } else {
                        come_and_go(meetings, *at, end, round, mine);
                    }
                    meetings.close(*at);
                }
            });
        }
    }
    tally all;
    for (const tally& each : tallies) {
        all.brought += each.brought;
        all.got += each.got;
        all.matches += each.matches;
    }
    EXPECT_EQ(all.brought, all.got);
    EXPECT_EQ(all.matches % 2, 0);
}

} // namespace
