// Goal: the set tells what became ready, of whom, and no longer than it may; its count is
// right. Method: pipes, which are readable when the test says so.
#include "base/clock.hpp"
#include "op/engine.hpp"
#include "reactor/poller.hpp"
#include "unit/support/guarded.hpp"
#include "unit/support/pipes.hpp"
#include "unit/support/ticking.hpp"

#include <array>
#include <cerrno>

namespace {

using namespace coring;
using support::pipe_ends;

class poller_test : public support::guarded {
protected:
    reactor::poller poller;
    std::array<epoll_event, 8> events{};
    pipe_ends pipe;
    int listener = 0; // its address names it

    void SetUp() override { ASSERT_TRUE(poller.open()); }

    int wait(std::int64_t timeout_ns) { return poller.wait(events, timeout_ns); }
};

TEST_F(poller_test, an_empty_set_reports_nothing) {
    EXPECT_EQ(poller.size(), 0U);
    EXPECT_EQ(wait(0), 0);
}

TEST_F(poller_test, a_readable_descriptor_is_reported_with_its_listener) {
    ASSERT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), 0);
    EXPECT_EQ(poller.size(), 1U);
    EXPECT_EQ(wait(0), 0);
    pipe.put();
    ASSERT_EQ(wait(op::no_deadline), 1);
    EXPECT_EQ(events[0].data.ptr, &listener);
    EXPECT_NE(events[0].events & EPOLLIN, 0U);
}

TEST_F(poller_test, modifying_changes_the_listener) {
    int other = 0;
    ASSERT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), 0);
    ASSERT_EQ(poller.modify(pipe.out.get(), EPOLLIN, &other), 0);
    EXPECT_EQ(poller.size(), 1U);
    pipe.put();
    ASSERT_EQ(wait(0), 1);
    EXPECT_EQ(events[0].data.ptr, &other);
}

TEST_F(poller_test, what_was_removed_is_silent) {
    ASSERT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), 0);
    pipe.put();
    poller.remove(pipe.out.get());
    EXPECT_EQ(poller.size(), 0U);
    EXPECT_EQ(wait(0), 0);
}

TEST_F(poller_test, removing_what_is_not_there_counts_nothing) {
    ASSERT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), 0);
    poller.remove(pipe.in.get());
    EXPECT_EQ(poller.size(), 1U);
}

TEST_F(poller_test, adding_twice_is_refused_and_counted_once) {
    ASSERT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), 0);
    EXPECT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), EEXIST);
    EXPECT_EQ(poller.size(), 1U);
    EXPECT_EQ(poller.modify(pipe.in.get(), EPOLLIN, &listener), ENOENT);
}

TEST_F(poller_test, a_regular_file_cannot_be_polled) {
    const base::unique_fd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(poller.add(file.get(), EPOLLIN, &listener), EPERM);
    EXPECT_EQ(poller.size(), 0U);
}

TEST_F(poller_test, it_sleeps_as_long_as_it_may_and_not_less) {
    ASSERT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), 0);
    for (const std::uint64_t limit_ns : {1U, 300'000U, 2'500'000U}) {
        const std::uint64_t begun = base::monotonic_ns();
        EXPECT_EQ(wait(static_cast<std::int64_t>(limit_ns)), 0);
        EXPECT_GE(base::monotonic_ns() - begun, limit_ns);
    }
}

TEST_F(poller_test, a_signal_ends_the_sleep) {
    const support::ticking signals;
    EXPECT_EQ(wait(20 * static_cast<std::int64_t>(base::ns_per_s)), -EINTR);
    EXPECT_EQ(wait(op::no_deadline), -EINTR);
}

TEST_F(poller_test, the_set_itself_is_readable_when_something_in_it_is) {
    reactor::poller outer;
    ASSERT_TRUE(outer.open());
    ASSERT_EQ(poller.add(pipe.out.get(), EPOLLIN, &listener), 0);
    ASSERT_EQ(outer.add(poller.fd(), EPOLLIN, &listener), 0);
    EXPECT_EQ(outer.wait(events, 0), 0);
    pipe.put();
    EXPECT_EQ(outer.wait(events, op::no_deadline), 1);
}

} // namespace
