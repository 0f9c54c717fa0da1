// Goal: entries written are entries answered, once each, by the user data they were given; a
// full queue refuses, an overflown one loses nothing; the ring does what it was locked down to
// only. Method: polls on pipes, which complete when the test says so.
#include "op/engine.hpp"
#include "proactor/ring.hpp"
#include "proactor/submission.hpp"
#include "unit/support/guarded.hpp"
#include "unit/support/pipes.hpp"

#include <cerrno>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <poll.h>

namespace {

using namespace coring;
using proactor::ring;
using proactor::submission;
using support::pipe_ends;

class ring_test : public support::guarded {
protected:
    ring shared;

    void open(unsigned entries) {
        const auto opened = shared.open(entries);
        if (!opened) {
            GTEST_SKIP() << "the ring is refused here: " << std::strerror(opened.error());
        }
    }

    void poll(int fd, std::uint64_t user_data) {
        io_uring_sqe* entry = shared.next_entry();
        ASSERT_NE(entry, nullptr);
        submission filled{*entry};
        filled.poll(fd, POLLIN);
        filled.set_user_data(user_data);
    }

    // The user data of all completions that are there.
    std::multiset<std::uint64_t> taken() {
        std::multiset<std::uint64_t> all;
        io_uring_cqe next{};
        while (shared.take(next)) {
            all.insert(next.user_data);
            last_answer = next.res;
        }
        return all;
    }

    int last_answer = 0;
};

#define OPEN_OR_SKIP(entries)                                                                  \
    open(entries);                                                                             \
    if (IsSkipped()) {                                                                         \
        return;                                                                                \
    }                                                                                          \
    static_assert(true)

TEST_F(ring_test, a_fresh_ring_has_nothing_to_tell) {
    OPEN_OR_SKIP(4);
    EXPECT_EQ(shared.unsubmitted(), 0U);
    EXPECT_FALSE(shared.has_completions());
    EXPECT_FALSE(shared.must_enter());
    EXPECT_TRUE(taken().empty());
}

TEST_F(ring_test, an_entry_is_handed_over_at_enter_and_answered_by_its_user_data) {
    OPEN_OR_SKIP(4);
    const pipe_ends pipe;
    pipe.put();
    poll(pipe.out.get(), 0x1234'5678'9abc'def0);
    EXPECT_EQ(shared.unsubmitted(), 1U);
    EXPECT_FALSE(shared.has_completions());
    EXPECT_EQ(shared.enter(1, op::no_deadline), 0);
    EXPECT_EQ(shared.unsubmitted(), 0U);
    EXPECT_TRUE(shared.has_completions());
    EXPECT_EQ(taken(), (std::multiset<std::uint64_t>{0x1234'5678'9abc'def0}));
    EXPECT_NE(last_answer & POLLIN, 0);
    EXPECT_FALSE(shared.has_completions());
}

TEST_F(ring_test, a_full_queue_refuses_the_next_entry_until_the_kernel_took_some) {
    OPEN_OR_SKIP(2);
    const pipe_ends pipe;
    poll(pipe.out.get(), 1);
    poll(pipe.out.get(), 2);
    EXPECT_EQ(shared.next_entry(), nullptr);
    EXPECT_EQ(shared.unsubmitted(), 2U);
    EXPECT_EQ(shared.enter(0, 0), 0);
    poll(pipe.out.get(), 3);
    EXPECT_EQ(shared.unsubmitted(), 1U);
}

TEST_F(ring_test, entries_come_zeroed) {
    OPEN_OR_SKIP(1);
    const pipe_ends pipe;
    poll(pipe.out.get(), UINT64_MAX);
    EXPECT_EQ(shared.enter(0, 0), 0);
    const io_uring_sqe* entry = shared.next_entry();
    ASSERT_NE(entry, nullptr);
    const io_uring_sqe zero{};
    EXPECT_EQ(std::memcmp(entry, &zero, sizeof zero), 0);
}

TEST_F(ring_test, waiting_ends_at_its_limit) {
    OPEN_OR_SKIP(4);
    EXPECT_EQ(shared.enter(1, 1'000'000), -ETIME);
    EXPECT_FALSE(shared.has_completions());
}

TEST_F(ring_test, an_overflown_completion_queue_loses_nothing) {
    OPEN_OR_SKIP(1); // and so four completions
    const pipe_ends pipe;
    pipe.put();
    constexpr std::uint64_t many = 64;
    for (std::uint64_t name = 0; name < many; ++name) {
        poll(pipe.out.get(), name);
        EXPECT_EQ(shared.enter(0, 0), 0);
    }
    std::multiset<std::uint64_t> all;
    for (int tries = 0; tries < 100 && all.size() < many; ++tries) {
        all.merge(taken());
        EXPECT_TRUE(shared.must_enter() || shared.has_completions() || all.size() == many);
        static_cast<void>(shared.enter(0, 0));
    }
    EXPECT_EQ(all.size(), many);
    EXPECT_EQ(std::set<std::uint64_t>(all.begin(), all.end()).size(), many);
}

TEST_F(ring_test, a_cancelled_entry_is_answered_as_cancelled) {
    OPEN_OR_SKIP(4);
    const pipe_ends pipe;
    poll(pipe.out.get(), 7);
    EXPECT_EQ(shared.enter(0, 0), 0);
    EXPECT_EQ(shared.cancel(7), 0);
    EXPECT_EQ(shared.enter(0, 0), 0); // runs the deferred work
    EXPECT_EQ(taken(), (std::multiset<std::uint64_t>{7}));
    EXPECT_EQ(last_answer, -ECANCELED);
}

TEST_F(ring_test, cancelling_what_is_not_there_finds_nothing) {
    OPEN_OR_SKIP(4);
    EXPECT_EQ(shared.cancel(7), -ENOENT);
    EXPECT_FALSE(shared.has_completions());
}

TEST_F(ring_test, cancelling_everything_ends_all_and_nothing_else) {
    OPEN_OR_SKIP(4);
    const pipe_ends pipe;
    for (const std::uint64_t name : {1U, 2U, 3U}) {
        poll(pipe.out.get(), name);
    }
    EXPECT_EQ(shared.enter(0, 0), 0);
    EXPECT_GE(shared.cancel_any(), 0);
    static_cast<void>(shared.enter(0, 0));
    EXPECT_EQ(taken(), (std::multiset<std::uint64_t>{1, 2, 3}));
}

TEST_F(ring_test, an_operation_that_is_not_ours_is_refused_by_the_kernel) {
    OPEN_OR_SKIP(4);
    io_uring_sqe* entry = shared.next_entry();
    ASSERT_NE(entry, nullptr);
    entry->opcode = IORING_OP_NOP;
    entry->user_data = 9;
    EXPECT_EQ(shared.enter(1, op::no_deadline), 0);
    EXPECT_EQ(taken(), (std::multiset<std::uint64_t>{9}));
    EXPECT_EQ(last_answer, -EACCES);
}

TEST_F(ring_test, its_descriptor_is_close_on_exec_and_goes_with_it) {
    const std::size_t before = support::open_descriptors();
    {
        ring temporary;
        if (!temporary.open(1)) {
            GTEST_SKIP() << "the ring is refused here";
        }
        EXPECT_EQ(support::open_descriptors(), before + 1);
    }
    EXPECT_EQ(support::open_descriptors(), before);
}

TEST_F(ring_test, more_entries_than_the_kernel_has_are_clamped) {
    OPEN_OR_SKIP(1U << 20);
    const pipe_ends pipe;
    pipe.put();
    poll(pipe.out.get(), 5);
    EXPECT_EQ(shared.enter(1, op::no_deadline), 0);
    EXPECT_EQ(taken(), (std::multiset<std::uint64_t>{5}));
}

} // namespace
