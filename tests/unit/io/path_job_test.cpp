// Goal: a verb on paths runs on a worker with paths of its own, and what nobody took is
// released exactly once, whether its waiter stays, leaves, or the loop ends. Method: a verb
// that counts; both engines.
#include "io/path_job.hpp"
#include "unit/support/host.hpp"

#include <array>
#include <latch>
#include <string>

namespace {

using namespace coring;
using namespace coring::support;

struct witness {
    std::string path;
    std::string destiny;
    int released = 0;
    std::latch may_end{1};
};

struct counting_call : io::on_paths {
    witness* told = nullptr;

    int run() const noexcept {
        told->path = path;
        told->destiny = destiny == nullptr ? "none" : destiny;
        told->may_end.wait();
        return -ENOENT;
    }

    void release() const noexcept { ++told->released; }
};

class path_job_test : public hosted_in_real_time {
protected:
    void SetUp() override {
        hosted_in_real_time::SetUp();
        if (!IsSkipped()) {
            ASSERT_TRUE(on.loop.open_mailbox());
        }
    }

    // With paths that are gone right after.
    task& start(const char* destiny = nullptr) {
        std::array<char, 8> path{"a path"};
        auto* job = io::path_job<counting_call>::make(on.loop, {{path.data(), destiny}, &told});
        path.fill('x');
        task& who = on.make("call");
        EXPECT_EQ(
            io::call_start(on.reserve(who, io::call_type), threadpool::lane_kind::files, *job),
            0);
        return who;
    }

    witness told;
};

ON_ALL_ENGINES(path_job_test);

TEST_P(path_job_test, a_worker_has_copies_of_the_paths) {
    task& who = start("to");
    told.may_end.count_down();
    on.run();
    EXPECT_EQ(who.result, -ENOENT);
    EXPECT_EQ(told.path, "a path");
    EXPECT_EQ(told.destiny, "to");
    EXPECT_EQ(told.released, 1);
    on.expect_nothing_left();
}

TEST_P(path_job_test, what_was_left_is_released_once_it_ended) {
    task& who = start();
    on.turn_without_waiting();
    on.leave(who);
    told.may_end.count_down();
    on.run();
    EXPECT_EQ(who.times, 0);
    EXPECT_EQ(told.released, 1);
    on.expect_nothing_left();
}

TEST_P(path_job_test, a_loop_that_ends_releases_what_came_home_too_late) {
    start();
    told.may_end.count_down();
    EXPECT_TRUE(on.loop.close());
    EXPECT_EQ(told.released, 1);
}

} // namespace
