// Goal: what the engine believes about rings and threads (decisions 14, pitfalls T1, T2).
// Method: the same call from the ring's thread and from another.
#include "kernel/mini_ring.hpp"
#include "kernel/sockets.hpp"

#include <thread>

#include <sys/eventfd.h>

namespace {

using namespace coring::kernel; // NOLINT(google-build-using-namespace)

template <typename Question>
int asked_elsewhere(Question question) {
    int answer = 0;
    std::thread{[&] { answer = question(); }}.join();
    return answer;
}

class thread_fact : public ring_fact {};

TEST_F(thread_fact, a_single_issuer_ring_lets_no_other_thread_submit) {
    ring.add(IORING_OP_NOP, -1, 1);
    EXPECT_EQ(asked_elsewhere([&] { return ring.submit(); }), -EEXIST);
}

TEST_F(thread_fact, a_single_issuer_ring_lets_no_other_thread_fetch) {
    EXPECT_EQ(asked_elsewhere([&] { return ring.fetch(); }), -EEXIST);
}

TEST_F(thread_fact, a_single_issuer_ring_lets_no_other_thread_cancel_synchronously) {
    const socket_pair pair = tcp_pair();
    ring.add_poll(pair.right.get(), POLLIN, 7);
    EXPECT_EQ(ring.submit(), 1);
    EXPECT_EQ(asked_elsewhere([&] { return ring.cancel(7); }), -EEXIST);
    EXPECT_EQ(ring.cancel(7), 0);
}

TEST(ring_thread_fact, a_ring_made_disabled_belongs_to_the_thread_that_enables_it) {
    mini_ring ring{engine_flags | IORING_SETUP_R_DISABLED};
    if (ring.error() != 0) {
        GTEST_SKIP() << "io_uring is refused here, errno " << ring.error();
    }
    EXPECT_EQ(ring.fetch(), -EBADFD); // not usable before
    EXPECT_EQ(asked_elsewhere([&] {
                  const int enabled = ring.enable();
                  ring.add(IORING_OP_NOP, -1, 1);
                  return enabled == 0 ? ring.submit() : enabled;
              }),
              1);
    EXPECT_EQ(ring.fetch(), -EEXIST);
}

TEST(ring_thread_fact, a_poll_whose_submitter_has_exited_ends_as_cancelled_not_with_its_event) {
    mini_ring ring{0}; // a plain one, which lets any thread submit
    if (ring.error() != 0) {
        GTEST_SKIP() << "io_uring is refused here, errno " << ring.error();
    }
    const unique_fd event{::eventfd(0, EFD_CLOEXEC)};
    EXPECT_EQ(asked_elsewhere([&] {
                  ring.add_poll(event.get(), POLLIN, 7);
                  return ring.submit();
              }),
              1);
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(event.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    const completion done = ring.wait();
    EXPECT_EQ(done.user_data, 7u);
    EXPECT_EQ(done.result, -ECANCELED);
}

} // namespace
