// Goal: the writing side ends after the last byte that was written before, and not before it.
// Method: shutdowns behind writes that cannot go out yet; the peer reads to the end.
#include "base/errc.hpp"
#include "io/shutdown.hpp"
#include "unit/support/network.hpp"

namespace {

using namespace coring;
using namespace coring::support;

class shutdown_test : public networked {};

ON_ALL_ENGINES(shutdown_test);

TEST_P(shutdown_test, with_nothing_to_write_the_peer_sees_the_end_at_once) {
    auto [ours, peer] = connected();
    task& ending = shutdown(ours);
    EXPECT_NE(kernel::events_of(peer.get(), POLLRDHUP, 10'000) & POLLRDHUP, 0);
    EXPECT_EQ(ending.times, 0);
    on.turn();
    EXPECT_EQ(ending.result, 0);
}

TEST_P(shutdown_test, it_waits_for_the_writes_before_it) {
    auto [ours, peer] = connected();
    const std::string bytes = pattern(more_than_fits);
    write(ours, bytes);
    task& ending = shutdown(ours);
    on.turn_without_waiting();
    EXPECT_EQ(ending.times, 0);
    EXPECT_TRUE(same(everything_at(peer), bytes));
    on.run();
    EXPECT_EQ(on.sequence(), "write shutdown");
}

TEST_P(shutdown_test, from_the_call_on_nothing_more_is_accepted) {
    auto [ours, peer] = connected();
    const std::string bytes = pattern(more_than_fits);
    write(ours, bytes);
    shutdown(ours);
    EXPECT_EQ(io::refuses_write(ours), EPIPE);
    EXPECT_EQ(io::refuses_shutdown(ours), ENOTCONN);
    EXPECT_EQ(io::refuses_read(ours), 0);
    EXPECT_TRUE(same(everything_at(peer), bytes));
}

TEST_P(shutdown_test, the_other_direction_stays_open) {
    auto [ours, peer] = connected();
    shutdown(ours);
    on.turn();
    ASSERT_EQ(::send(peer.get(), "answer", 6, 0), 6);
    finish(read(ours));
    EXPECT_EQ(ours.received, "answer");
}

TEST_P(shutdown_test, an_abandoned_one_is_done_all_the_same) {
    auto [ours, peer] = connected();
    const std::string bytes = pattern(more_than_fits);
    write(ours, bytes);
    task& ending = shutdown(ours);
    on.leave(ending);
    EXPECT_TRUE(same(everything_at(peer), bytes));
    on.run();
    EXPECT_EQ(ending.times, 0);
}

TEST_P(shutdown_test, a_peer_that_is_gone_is_a_failure) {
    auto [ours, peer] = connected();
    const linger none{1, 0};
    ASSERT_EQ(::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
    peer.reset();
    ASSERT_NE(kernel::events_of(ours.fd, POLLIN, 10'000), 0);
    task& ending = shutdown(ours);
    finish(ending);
    EXPECT_EQ(ending.result, -ENOTCONN);
}

} // namespace
