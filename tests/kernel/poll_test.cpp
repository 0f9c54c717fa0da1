// Goal: what the engine believes about poll entries (decisions 10, 20; pitfalls G5, T4, U14).
// Method: arm, cause, look; nothing is concluded from how long something took.
#include "kernel/mini_ring.hpp"
#include "kernel/sockets.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

namespace {

using namespace coring::kernel; // NOLINT(google-build-using-namespace)

class poll_fact : public ring_fact {};

void write_one(int fd) {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(fd, &one, sizeof one), static_cast<ssize_t>(sizeof one));
}

void read_one(int fd) {
    std::uint64_t value = 0;
    EXPECT_EQ(::read(fd, &value, sizeof value), static_cast<ssize_t>(sizeof value));
}

TEST_F(poll_fact, a_one_shot_poll_checks_its_condition_at_submission) {
    const socket_pair pair = tcp_pair();
    ASSERT_EQ(::send(pair.left.get(), "x", 1, 0), 1);
    EXPECT_EQ(events_of(pair.right.get(), POLLIN, -1), POLLIN);
    ring.add_poll(pair.right.get(), POLLIN, 1);
    EXPECT_EQ(ring.submit(), 1);
    const std::optional<completion> done = ring.peek(); // nothing was fetched
    ASSERT_TRUE(done);
    EXPECT_EQ(done->result & POLLIN, POLLIN);
}

TEST_F(poll_fact, a_one_shot_poll_ends_with_its_first_event) {
    const socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 1);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_FALSE(ring.peek());
    ASSERT_EQ(::send(pair.left.get(), "x", 1, 0), 1);
    const completion done = ring.wait();
    EXPECT_EQ(done.user_data, 1u);
    EXPECT_EQ(done.result & POLLIN, POLLIN);
    EXPECT_EQ(done.flags & IORING_CQE_F_MORE, 0u);
    ASSERT_EQ(::send(pair.left.get(), "y", 1, 0), 1);
    EXPECT_GE(ring.fetch(), 0);
    EXPECT_FALSE(ring.peek());
}

TEST_F(poll_fact, an_event_is_not_seen_before_it_is_fetched_but_the_ring_says_so) {
    const unique_fd event{::eventfd(0, EFD_CLOEXEC)};
    ring.add_poll(event.get(), POLLIN, 1);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_FALSE(ring.says_fetch());
    write_one(event.get());
    EXPECT_TRUE(ring.says_fetch());
    EXPECT_FALSE(ring.peek());
    EXPECT_GE(ring.fetch(), 0);
    EXPECT_TRUE(ring.peek());
}

TEST_F(poll_fact, a_peer_that_hangs_up_ends_a_poll_for_reading) {
    for (int local = 0; local < 2; ++local) {
        socket_pair pair = local == 1 ? local_pair() : tcp_pair();
        ring.add_poll(pair.right.get(), POLLIN, 1);
        EXPECT_EQ(ring.submit(), 1);
        pair.left.reset();
        EXPECT_EQ(ring.wait().result & POLLIN, POLLIN);
    }
}

TEST_F(poll_fact, a_multishot_poll_of_an_eventfd_reports_every_knock_after_a_read) {
    const unique_fd event{::eventfd(0, EFD_CLOEXEC)};
    io_uring_sqe& entry = ring.add(IORING_OP_POLL_ADD, event.get(), 1);
    entry.poll32_events = POLLIN;
    entry.len = IORING_POLL_ADD_MULTI;
    EXPECT_EQ(ring.submit(), 1);
    for (int knock = 0; knock < 5; ++knock) {
        write_one(event.get());
        const completion done = ring.wait();
        EXPECT_EQ(done.result & POLLIN, POLLIN);
        EXPECT_EQ(done.flags & IORING_CQE_F_MORE, unsigned{IORING_CQE_F_MORE});
        read_one(event.get());
    }
}

TEST_F(poll_fact, a_multishot_poll_reports_a_knock_that_came_before_it_was_armed) {
    const unique_fd event{::eventfd(1, EFD_CLOEXEC)};
    io_uring_sqe& entry = ring.add(IORING_OP_POLL_ADD, event.get(), 1);
    entry.poll32_events = POLLIN;
    entry.len = IORING_POLL_ADD_MULTI;
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_EQ(ring.wait().result & POLLIN, POLLIN);
}

TEST_F(poll_fact, an_epoll_set_can_be_polled_through_the_ring) {
    const unique_fd event{::eventfd(0, EFD_CLOEXEC)};
    const unique_fd set{::epoll_create1(EPOLL_CLOEXEC)};
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    ASSERT_EQ(::epoll_ctl(set.get(), EPOLL_CTL_ADD, event.get(), &wanted), 0);
    for (int round = 0; round < 3; ++round) {
        ring.add_poll(set.get(), POLLIN, 1);
        EXPECT_EQ(ring.submit(), 1);
        EXPECT_FALSE(ring.peek());
        write_one(event.get());
        EXPECT_EQ(ring.wait().result & POLLIN, POLLIN);
        read_one(event.get());
    }
}

TEST_F(poll_fact, a_poll_of_a_pidfd_ends_when_the_child_did) {
    const socket_pair leash = local_pair();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        char byte = 0;
        static_cast<void>(::read(leash.right.get(), &byte, 1) == 1);
        ::_exit(0);
    }
    const unique_fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
    ASSERT_TRUE(pidfd.valid());
    ring.add_poll(pidfd.get(), POLLIN, 1);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_FALSE(ring.peek());
    ASSERT_EQ(::send(leash.left.get(), "x", 1, 0), 1);
    EXPECT_EQ(ring.wait().result & POLLIN, POLLIN);
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, WNOHANG), child);
}

TEST_F(poll_fact, waiting_for_nothing_ends_with_the_time_limit) {
    EXPECT_EQ(ring.fetch_one({0, 1'000'000}), -ETIME);
}

TEST_F(poll_fact, waiting_ends_at_once_if_something_is_there) {
    ring.add(IORING_OP_NOP, -1, 1);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_GE(ring.fetch_one({3600, 0}), 0);
    EXPECT_TRUE(ring.peek());
}

TEST(epoll_fact, a_regular_file_cannot_be_in_an_epoll_set) {
    const unique_fd set{::epoll_create1(EPOLL_CLOEXEC)};
    std::FILE* const file = std::tmpfile();
    ASSERT_NE(file, nullptr);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    EXPECT_EQ(::epoll_ctl(set.get(), EPOLL_CTL_ADD, ::fileno(file), &wanted), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(std::fclose(file), 0);
}

} // namespace
