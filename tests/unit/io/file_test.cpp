// Goal: a descriptor lives as long as its last user, on whatever thread that ends, and what
// goes by a file's position takes turns. Method: works that stop inside until the test lets
// them go.
#include "io/close_file.hpp"
#include "io/file_work.hpp"
#include "io/sync.hpp"
#include "unit/support/host.hpp"

#include <array>
#include <latch>
#include <memory>

#include <fcntl.h>
#include <sys/mman.h>

namespace {

using namespace coring;
using namespace coring::support;

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

io::file& open_file(loop::loop& on) {
    io::file* made = io::make_file(on);
    EXPECT_NE(made, nullptr);
    io::adopt(*made, ::memfd_create("file_test", MFD_CLOEXEC), {});
    EXPECT_GE(made->fd, 0);
    return *made;
}

// Says when a worker is inside, and stays there until it may go. Lives in the test.
struct held_work : io::file_work {
    std::latch inside{1};
    std::latch released{1};
    std::latch ended{1};
    int runs = 0;
    int destroyed = 0;

    held_work(io::file& on, io::file_order ordered)
        : io::file_work{on, ordered, run, end, io::run_on_worker} {}

    static int run(io::call_job& job) noexcept {
        auto& self = static_cast<held_work&>(static_cast<io::file_work&>(job));
        ++self.runs;
        self.inside.count_down();
        self.released.wait();
        return 0;
    }

    static void end(io::call_job& job) noexcept {
        auto& self = static_cast<held_work&>(static_cast<io::file_work&>(job));
        ++self.destroyed;
        io::let_go(*self.of, self.is_abandoned());
        self.ended.count_down();
    }
};

class file_test : public hosted_in_real_time {
protected:
    void SetUp() override {
        hosted_in_real_time::SetUp();
        if (!IsSkipped()) {
            ASSERT_TRUE(on.loop.open_mailbox());
        }
    }

    task& start(io::file_work& work, const char* name = "work") {
        task& who = on.make(name);
        io::file_work_start(on.reserve(who, io::file_work_type), work);
        return who;
    }
};

ON_ALL_ENGINES(file_test);

TEST_P(file_test, the_last_user_closes_the_descriptor) {
    io::file& of = open_file(on.loop);
    const int fd = of.fd;
    io::hold(of);
    EXPECT_TRUE(io::is_in_use(of));
    io::retire(of);
    EXPECT_TRUE(is_open(fd));
    io::let_go(of);
    EXPECT_FALSE(is_open(fd));
}

TEST_P(file_test, closing_leaves_the_descriptor_to_work_in_progress) {
    io::file& of = open_file(on.loop);
    const int fd = of.fd;
    held_work work{of, io::file_order::free};
    start(work);
    work.inside.wait();
    EXPECT_EQ(io::close_file(of), 0);
    EXPECT_TRUE(is_open(fd));
    work.released.count_down();
    on.run();
    EXPECT_FALSE(is_open(fd));
    EXPECT_EQ(work.destroyed, 1);
    on.expect_nothing_left();
}

TEST_P(file_test, work_in_line_takes_turns_in_the_order_of_the_calls) {
    io::file& of = open_file(on.loop);
    std::array<held_work, 3> works{held_work{of, io::file_order::in_line},
                                   held_work{of, io::file_order::in_line},
                                   held_work{of, io::file_order::in_line}};
    start(works[0], "first");
    start(works[1], "second");
    start(works[2], "third");
    held_work free{of, io::file_order::free};
    start(free, "free");
    works[0].inside.wait();
    free.inside.wait(); // it did not wait for the line
    free.released.count_down();
    works[2].released.count_down();
    works[1].released.count_down();
    EXPECT_EQ(works[1].runs + works[2].runs, 0);
    works[0].released.count_down();
    on.run();
    const std::string order = on.sequence();
    EXPECT_LT(order.find("first"), order.find("second"));
    EXPECT_LT(order.find("second"), order.find("third"));
    io::retire(of);
    on.expect_nothing_left();
}

TEST_P(file_test, what_stands_in_line_and_is_left_never_runs) {
    io::file& of = open_file(on.loop);
    held_work first{of, io::file_order::in_line};
    held_work second{of, io::file_order::in_line};
    held_work third{of, io::file_order::in_line};
    start(first);
    task& leaving = start(second);
    start(third);
    on.leave(leaving);
    EXPECT_EQ(second.destroyed, 1);
    first.released.count_down();
    third.released.count_down();
    on.run();
    EXPECT_EQ(second.runs, 0);
    EXPECT_EQ(third.runs, 1);
    io::retire(of);
    on.expect_nothing_left();
}

TEST_P(file_test, a_flush_waits_for_what_was_before_it) {
    io::file& of = open_file(on.loop);
    held_work before{of, io::file_order::in_line};
    held_work after{of, io::file_order::in_line};
    io::file_work* flush = io::make_flush(of, true);
    ASSERT_NE(flush, nullptr);
    start(before);
    task& flushing = start(*flush);
    start(after);
    before.inside.wait();
    on.turn_without_waiting();
    EXPECT_EQ(flushing.times, 0);
    before.released.count_down();
    after.released.count_down();
    on.run();
    EXPECT_EQ(flushing.result, 0);
    io::retire(of);
    on.expect_nothing_left();
}

TEST_P(file_test, work_that_is_left_while_a_worker_is_inside_goes_on_unseen) {
    io::file& of = open_file(on.loop);
    const int fd = of.fd;
    held_work work{of, io::file_order::in_line};
    task& who = start(work);
    work.inside.wait();
    on.leave(who);
    EXPECT_EQ(on.loop.count().going_on, 1U);
    io::retire(of);
    EXPECT_TRUE(is_open(fd));
    work.released.count_down();
    on.run();
    EXPECT_FALSE(is_open(fd));
    EXPECT_EQ(work.destroyed, 1);
    on.expect_nothing_left();
}

// The loop goes while a worker is stuck: that closes the descriptor in the end.
TEST_P(file_test, a_worker_that_outlives_the_loop_closes_the_descriptor) {
    auto clock_of = std::make_unique<base::system_clock>();
    auto gone = std::make_unique<host>(*clock_of);
    ASSERT_TRUE(gone->loop.open(GetParam().wish));
    ASSERT_TRUE(gone->loop.open_mailbox());
    io::file& of = open_file(gone->loop);
    const int fd = of.fd;
    held_work stuck{of, io::file_order::in_line};
    held_work behind{of, io::file_order::in_line};
    io::file_work_start(gone->reserve(gone->make("stuck"), io::file_work_type), stuck);
    io::file_work_start(gone->reserve(gone->make("behind"), io::file_work_type), behind);
    stuck.inside.wait();
    io::retire(of);
    EXPECT_TRUE(gone->loop.close());
    gone.reset();
    EXPECT_EQ(behind.destroyed, 1);
    EXPECT_EQ(behind.runs, 0);
    EXPECT_TRUE(is_open(fd));
    stuck.released.count_down();
    stuck.ended.wait(); // and not for the descriptor, which says nothing about the worker
    EXPECT_FALSE(is_open(fd));
}

} // namespace
