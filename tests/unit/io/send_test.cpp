// Goal: all bytes of a write arrive, once, in the order of the calls, whatever becomes of the
// writer, of its memory and of the turn in which it wrote.
// Method: writes larger than all buffers, patterns that show gaps and mixtures, memory that is
// scribbled over as soon as the rules allow.
#include "io/send.hpp"
#include "unit/support/network.hpp"

namespace {

using namespace coring;
using namespace coring::support;

class send_test : public networked {};

ON_ALL_ENGINES(send_test);

TEST_P(send_test, a_small_write_is_with_the_kernel_before_the_call_returns) {
    auto [ours, peer] = connected();
    task& writer = write(ours, "now");
    EXPECT_EQ(bytes_at(peer), "now");
    EXPECT_EQ(writer.times, 0) << "its writer is still resumed by the loop";
    on.turn();
    EXPECT_EQ(writer.result, 0);
}

TEST_P(send_test, a_write_larger_than_all_buffers_arrives_whole) {
    auto [ours, peer] = connected();
    const std::string bytes = pattern(more_than_fits);
    task& writer = write(ours, bytes);
    shutdown(ours);
    on.turn_without_waiting();
    EXPECT_EQ(writer.times, 0);
    EXPECT_TRUE(same(everything_at(peer), bytes));
    on.run();
    EXPECT_EQ(writer.result, 0);
}

TEST_P(send_test, an_empty_write_succeeds) {
    auto [ours, peer] = connected();
    task& writer = write(ours, "");
    on.turn();
    EXPECT_EQ(writer.result, 0);
    EXPECT_EQ(bytes_at(peer), "");
}

TEST_P(send_test, writers_stand_in_line_and_their_bytes_do_not_mix) {
    auto [ours, peer] = connected();
    std::deque<std::string> parts;
    std::string expected;
    for (unsigned at = 0; at < 6; ++at) {
        parts.push_back(pattern(at % 2 == 0 ? more_than_fits / 4 : 100, at));
        expected += parts.back();
        write(ours, parts.back(), io::source::stays, std::to_string(at));
    }
    shutdown(ours);
    EXPECT_TRUE(same(everything_at(peer), expected));
    on.run();
    EXPECT_EQ(on.sequence(), "0 1 2 3 4 5 shutdown");
}

TEST_P(send_test, memory_that_may_change_may_be_scribbled_over_after_the_call) {
    for (const io::source kept : {io::source::changes, io::source::moves}) {
        auto [ours, peer] = connected();
        const std::string filler = pattern(more_than_fits);
        write(ours, filler); // so that nothing of the next ones goes out at once
        std::string small = pattern(3000, 1);
        std::string expected = filler + small;
        write(ours, small, kept);
        std::fill(small.begin(), small.end(), '!');
        if (kept == io::source::moves) {
            auto large = std::make_unique<std::string>(pattern(200'000, 2));
            expected += *large;
            write(ours, *large, kept);
            std::fill(large->begin(), large->end(), '!'); // and gone altogether
        }
        shutdown(ours);
        EXPECT_TRUE(same(everything_at(peer), expected));
        on.run();
    }
}

TEST_P(send_test, an_abandoned_write_in_flight_goes_on_and_arrives_completely) {
    auto [ours, peer] = connected();
    const std::string expected = pattern(more_than_fits);
    auto bytes = std::make_unique<std::string>(expected);
    task& writer = write(ours, *bytes);
    on.turn_without_waiting();
    on.leave(writer);
    std::fill(bytes->begin(), bytes->end(), '!');
    bytes.reset();
    EXPECT_EQ(on.loop.count().going_on, 1U);
    shutdown(ours);
    EXPECT_TRUE(same(everything_at(peer), expected));
    on.run();
    EXPECT_EQ(writer.times, 0);
}

TEST_P(send_test, an_abandoned_write_that_waits_behind_another_keeps_its_place) {
    auto [ours, peer] = connected();
    const std::string first = pattern(more_than_fits, 1);
    std::string second = pattern(50'000, 2);
    const std::string third = pattern(50'000, 3);
    const std::string expected = first + second + third;
    write(ours, first);
    task& writer = write(ours, second);
    write(ours, third);
    on.turn_without_waiting();
    on.leave(writer);
    std::fill(second.begin(), second.end(), '!');
    shutdown(ours);
    EXPECT_TRUE(same(everything_at(peer), expected));
    on.run();
    EXPECT_EQ(on.sequence(), "write write shutdown");
}

TEST_P(send_test, a_write_abandoned_when_it_was_done_changes_nothing) {
    auto [ours, peer] = connected();
    task& writer = write(ours, "done");
    on.leave(writer);
    on.expect_nothing_left();
    EXPECT_EQ(bytes_at(peer), "done");
}

TEST_P(send_test, abandoning_in_every_turn_loses_and_repeats_nothing) {
    auto [ours, peer] = connected();
    std::string expected;
    std::string got;
    for (unsigned round = 0; round < 20; ++round) {
        std::string bytes = pattern(300'000 + round, round);
        expected += bytes;
        task& writer = write(ours, bytes);
        on.turn_without_waiting();
        got += bytes_at(peer, 70'001); // room comes while the write is in the kernel
        if (writer.times == 0) {
            on.leave(writer);
        }
        std::fill(bytes.begin(), bytes.end(), '!');
    }
    shutdown(ours);
    got += everything_at(peer);
    EXPECT_TRUE(same(got, expected));
    on.run();
}

TEST_P(send_test, writing_to_a_peer_that_is_gone_fails_without_a_signal) {
    auto [ours, peer] = connected_locally();
    peer.reset();
    task& writer = write(ours, "anybody?");
    finish(writer);
    EXPECT_EQ(writer.result, -EPIPE);
}

TEST_P(send_test, a_peer_that_goes_ends_a_write_in_flight_and_all_behind_it) {
    auto [ours, peer] = connected_locally();
    const std::string bytes = pattern(more_than_fits);
    task& first = write(ours, bytes);
    task& second = write(ours, bytes);
    on.turn_without_waiting();
    peer.reset();
    on.run();
    EXPECT_EQ(first.result, -EPIPE);
    EXPECT_EQ(second.result, -EPIPE);
}

TEST_P(send_test, a_busy_turn_hands_its_writes_over_together_and_they_arrive) {
    auto [ours, peer] = connected();
    task* writer = nullptr;
    in_a_busy_turn([&, &ours = ours, &peer = peer] {
        writer = &write(ours, "batched");
        EXPECT_EQ(bytes_at(peer), "") << "it was not sent on the spot";
    });
    EXPECT_EQ(bytes_at(peer), "batched");
    on.run();
    EXPECT_EQ(writer->result, 0);
}

TEST_P(send_test, a_write_that_begins_while_connecting_goes_out_once_connected) {
    const base::unique_fd listener = kernel::tcp_listener();
    endpoint& ours = open_stream();
    connect(ours, kernel::port_of(listener));
    task& writer = write(ours, "first words");
    shutdown(ours);
    const base::unique_fd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    EXPECT_EQ(everything_at(peer), "first words");
    on.run();
    EXPECT_EQ(writer.result, 0);
    EXPECT_EQ(on.sequence(), "connect write shutdown");
}

} // namespace
