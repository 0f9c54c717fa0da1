// Goal: a ward is attended to when its descriptor calls, until it is done, in whatever order;
// the thread is there only while there are wards, and comes back for the next.
// Method: eventfds as wards; the caretaker of the process.
#include "threadpool/caretaker.hpp"
#include "unit/support/guarded.hpp"

#include <atomic>
#include <deque>

#include <sys/eventfd.h>

namespace {

using coring::support::guarded;
using coring::threadpool::caretaker;
using coring::threadpool::live_threads;
using coring::threadpool::ward;

struct counted : ward {
    std::atomic<int> attended = 0;
    int calls_wanted = 1;
    std::atomic<bool> done = false;

    counted() {
        fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        attend = [](ward& self) noexcept {
            auto& of = static_cast<counted&>(self);
            eventfd_t value = 0;
            if (::eventfd_read(of.fd, &value) != 0) {
                return false; // too early
            }
            if (++of.attended < of.calls_wanted) {
                return false;
            }
            ::close(of.fd);
            of.done = true;
            return true;
        };
    }

    void call() const { ASSERT_EQ(::eventfd_write(fd, 1), 0); }
};

void wait_until(const std::atomic<bool>& flag) {
    while (!flag) {
        ::usleep(100);
    }
}

class caretaker_test : public guarded {
protected:
    // Other tests may have left threads.
    void wait_for_the_end() const {
        while (live_threads() > before_) {
            ::usleep(100);
        }
    }

private:
    long before_ = live_threads();
};

TEST_F(caretaker_test, a_ward_that_calls_is_attended_to_once) {
    counted one;
    caretaker::process().take(one);
    EXPECT_EQ(one.attended, 0);
    one.call();
    wait_until(one.done);
    EXPECT_EQ(one.attended, 1);
    wait_for_the_end();
}

TEST_F(caretaker_test, one_that_called_before_is_not_missed) {
    counted one;
    one.call();
    caretaker::process().take(one);
    wait_until(one.done);
    wait_for_the_end();
}

TEST_F(caretaker_test, one_that_is_not_done_stays) {
    counted one;
    one.calls_wanted = 3;
    caretaker::process().take(one);
    for (int calls = 1; calls <= 3; ++calls) {
        one.call();
        while (one.attended < calls) {
            ::usleep(100);
        }
    }
    wait_until(one.done);
    wait_for_the_end();
}

TEST_F(caretaker_test, many_are_attended_to_in_the_order_in_which_they_call) {
    std::deque<counted> many(100);
    for (counted& each : many) {
        caretaker::process().take(each);
    }
    for (auto each = many.rbegin(); each != many.rend(); ++each) {
        each->call();
        wait_until(each->done);
    }
    wait_for_the_end();
    for (const counted& each : many) {
        EXPECT_EQ(each.attended, 1);
    }
}

TEST_F(caretaker_test, the_thread_comes_back_when_there_is_somebody_again) {
    for (int times = 0; times < 20; ++times) {
        counted one;
        one.call();
        caretaker::process().take(one);
        wait_until(one.done);
    }
    wait_for_the_end();
}

} // namespace
