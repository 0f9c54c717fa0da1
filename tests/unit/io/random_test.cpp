// Goal: bytes for everything that was asked for and nothing else, whether they are made at
// delivery or by a worker piece by piece; leaving in between frees what the call had.
// Method: both engines; buffers with a border that must stay.
#include "io/random.hpp"
#include "unit/support/host.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace {

using namespace coring;
using namespace coring::support;

constexpr std::size_t piece = io::random_call::piece_size;
constexpr auto lane = threadpool::lane_kind::files;

// No byte of a run this long stays zero by chance.
bool looks_filled(std::span<const char> bytes) {
    for (std::size_t at = 0; at + 64 <= bytes.size(); at += 64) {
        const auto run = bytes.subspan(at, 64);
        if (std::all_of(run.begin(), run.end(), [](char byte) { return byte == 0; })) {
            return false;
        }
    }
    return true;
}

class random_test : public hosted_in_real_time {
protected:
    void SetUp() override {
        hosted_in_real_time::SetUp();
        if (!IsSkipped()) {
            ASSERT_TRUE(on.loop.open_mailbox());
        }
    }
};

ON_ALL_ENGINES(random_test);

TEST(random_bytes, all_of_the_range_is_filled_and_nothing_beside_it) {
    for (const std::size_t size : {0UL, 1UL, 255UL, 256UL, 257UL, 100000UL}) {
        std::vector<char> room(size + 2, 0);
        EXPECT_EQ(io::fill_random(std::span{room}.subspan(1, size)), 0);
        EXPECT_EQ(room.front(), 0);
        EXPECT_EQ(room.back(), 0);
        EXPECT_TRUE(looks_filled(std::span{room}.subspan(1, size)));
    }
    EXPECT_TRUE(io::random_is_ready());
}

TEST_P(random_test, a_few_bytes_are_ready_in_the_next_turn) {
    task& who = on.make("random");
    io::random_start(on.loop, on.reserve(who, io::random_type));
    EXPECT_EQ(who.times, 0);
    on.turn_without_waiting();
    EXPECT_EQ(who.times, 1);
    EXPECT_EQ(who.result, 0);
    on.expect_nothing_left();
}

TEST_P(random_test, leaving_a_few_bytes_ends_at_once) {
    task& who = on.make("random");
    io::random_start(on.loop, on.reserve(who, io::random_type));
    on.leave(who);
    on.run();
    EXPECT_EQ(who.times, 0);
    on.expect_nothing_left();
}

// What the continuation of the await function does, without Lua.
TEST_P(random_test, pieces_are_taken_in_order_until_all_are_in_place) {
    constexpr std::size_t size = 2 * piece + 100;
    auto* call = new io::random_call{on.loop, size};
    std::vector<char> room(size + 1, 0);
    task& who = on.make("random");
    int pieces = 0;
    who.take = [&](op::operation&) {
        ++pieces;
        return call->take(std::span{room}.first(size)) ? 0 : -EAGAIN;
    };
    who.again = [&](op::operation& delivered) {
        EXPECT_EQ(io::call_again(delivered, lane, *call), 0);
    };
    ASSERT_EQ(io::call_start(on.reserve(who, io::call_type), lane, *call), 0);
    on.run();
    EXPECT_EQ(pieces, 3);
    EXPECT_EQ(who.times, 1) << "who waits sees nothing of that";
    EXPECT_EQ(room.back(), 0);
    EXPECT_TRUE(looks_filled(std::span{room}.first(size)));
    on.expect_nothing_left();
}

TEST_P(random_test, who_leaves_between_two_pieces_leaves_nothing_behind) {
    auto* call = new io::random_call{on.loop, 100 * piece};
    std::vector<char> room(100 * piece, 0);
    task& who = on.make("random");
    bool left = false;
    who.take = [&](op::operation&) { return call->take(room) ? 0 : -EAGAIN; };
    who.again = [&](op::operation& delivered) {
        EXPECT_EQ(io::call_again(delivered, lane, *call), 0);
        left = true;
    };
    ASSERT_EQ(io::call_start(on.reserve(who, io::call_type), lane, *call), 0);
    on.turn_until([&] { return left; });
    on.leave(who);
    on.run();
    EXPECT_EQ(who.times, 0);
    on.expect_nothing_left();
}

TEST_P(random_test, a_memory_that_shrank_ends_the_call_early) {
    auto* call = new io::random_call{on.loop, 3 * piece};
    call->taken = 0;
    std::vector<char> room(100, 0);
    std::vector<char> gone;
    EXPECT_TRUE(call->take(gone));
    call->taken = 0;
    EXPECT_TRUE(call->take(room));
    call->destroy(*call);
}

} // namespace
