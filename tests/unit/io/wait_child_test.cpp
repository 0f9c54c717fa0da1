// Goal: a child's end reaches who waits for it, and without anybody it is reaped all the same,
// by a loop that has gone too; failures leave nothing behind; the child's standard descriptors
// are what was planned.
// Method: shells that are told what to do; pipes; both engines.
#include "base/unique_fd.hpp"
#include "io/wait_child.hpp"
#include "reactor/child_watch.hpp"
#include "threadpool/worker.hpp"
#include "unit/support/host.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>

namespace {

using namespace coring;
using namespace coring::support;
using origin = io::standard_stream::origin;

bool has_children() {
    siginfo_t found{};
    return ::waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

class wait_child_test : public hosted_in_real_time {
protected:
    void SetUp() override {
        hosted_in_real_time::SetUp();
        if (!IsSkipped()) {
            ASSERT_TRUE(on.loop.prepare_to_watch());
        }
    }

    void TearDown() override {
        hosted_in_real_time::TearDown();
        // Other tests may have left workers. The watchdog bounds it.
        while (has_children() || threadpool::live_threads() > threads_before_) {
            ::usleep(100);
        }
    }

    long threads_before_ = threadpool::live_threads();

    static io::spawn_request shell(const char* script) {
        static std::array<char*, 4> words;
        static std::array<char*, 1> nothing{nullptr};
        words = {const_cast<char*>("sh"), const_cast<char*>("-c"), const_cast<char*>(script),
                 nullptr};
        return {.file = "sh", .arguments = words.data(), .environment = nothing.data()};
    }

    io::child& start(const char* script) {
        auto started = io::child_start(on.loop, shell(script));
        EXPECT_TRUE(started);
        return *started.value();
    }

    task& wait_for(io::child& child) {
        task& who = on.make("wait");
        io::wait_child_start(child, on.reserve(who, io::wait_child_type));
        return who;
    }
};

ON_ALL_ENGINES(wait_child_test);

TEST_P(wait_child_test, exits_and_signals_are_told) {
    task& exit = wait_for(start("exit 7"));
    task& signal = wait_for(start("kill -TERM $$"));
    on.run();
    EXPECT_EQ(exit.result, 7);
    EXPECT_EQ(signal.result, reactor::killed_by + SIGTERM);
    on.expect_nothing_left();
}

TEST_P(wait_child_test, an_end_that_came_before_the_wait_is_told) {
    io::child& child = start("exit 5");
    siginfo_t seen{};
    ASSERT_EQ(
        ::waitid(P_PID, static_cast<id_t>(io::child_pid(child)), &seen, WEXITED | WNOWAIT), 0);
    on.turn_without_waiting(); // the loop sees it while nobody waits
    on.turn_without_waiting();
    task& who = wait_for(child);
    on.run();
    EXPECT_EQ(who.result, 5);
}

TEST_P(wait_child_test, who_leaves_leaves_the_child_running) {
    io::child& child = start("exec sleep 60");
    const pid_t pid = io::child_pid(child);
    task& who = wait_for(child);
    on.turn_without_waiting();
    on.leave(who);
    on.expect_nothing_left();
    EXPECT_FALSE(on.loop.alive());
    EXPECT_EQ(::kill(pid, 0), 0);
    EXPECT_EQ(::kill(pid, SIGKILL), 0);
}

TEST_P(wait_child_test, a_child_nobody_ever_waited_for_is_reaped) {
    io::child_abandon(start("exit 0"));
}

TEST_P(wait_child_test, children_outlive_their_loop_and_are_reaped) {
    io::child& child = start("exec sleep 60");
    const pid_t pid = io::child_pid(child);
    wait_for(child);
    EXPECT_TRUE(on.loop.close());
    EXPECT_EQ(::kill(pid, 0), 0);
    EXPECT_EQ(::kill(pid, SIGKILL), 0);
}

TEST_P(wait_child_test, a_child_that_somebody_else_reaped_is_told_as_lost) {
    io::child& child = start("exit 3");
    task& who = wait_for(child);
    ASSERT_EQ(::waitpid(io::child_pid(child), nullptr, 0), io::child_pid(child));
    on.run();
    EXPECT_EQ(who.result, -ECHILD);
}

TEST_P(wait_child_test, no_program_no_child) {
    io::spawn_request wanted = shell("");
    wanted.file = "/nowhere/program";
    auto started = io::child_start(on.loop, wanted);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), ENOENT);
    EXPECT_FALSE(has_children());
    wanted = shell("");
    wanted.directory = "/nowhere";
    started = io::child_start(on.loop, wanted);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), ENOENT);
    wanted = shell("");
    wanted.standard[1] = {origin::given, 9999};
    started = io::child_start(on.loop, wanted);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), EBADF);
    EXPECT_FALSE(has_children());
}

// Each standard descriptor comes from another one: put one after the other, they would
// overwrite what is still needed.
TEST_P(wait_child_test, standard_descriptors_can_be_exchanged) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    base::unique_fd near{ends[0]};
    base::unique_fd far{ends[1]};
    io::spawn_request wanted = shell("test ! -t 0 && echo well >&0");
    wanted.standard[0] = {origin::given, far.get()};
    wanted.standard[1] = {origin::given, 2};
    wanted.standard[2] = {origin::given, 1};
    auto started = io::child_start(on.loop, wanted);
    ASSERT_TRUE(started);
    task& who = wait_for(*started.value());
    on.run();
    EXPECT_EQ(who.result, 0);
    std::array<char, 16> text{};
    EXPECT_EQ(::read(near.get(), text.data(), text.size()), 5);
    EXPECT_EQ(std::string(text.data()), "well\n");
}

TEST_P(wait_child_test, the_childs_pipe_waits_and_ours_does_not) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    base::unique_fd near{ends[0]};
    base::unique_fd far{ends[1]};
    io::spawn_request wanted = shell("read line && test \"$line\" = late");
    wanted.standard[0] = {origin::given, near.get()};
    auto started = io::child_start(on.loop, wanted);
    ASSERT_TRUE(started);
    task& who = wait_for(*started.value());
    on.turn_without_waiting();
    EXPECT_NE(::fcntl(near.get(), F_GETFL) & O_NONBLOCK, 0);
    ::usleep(20000); // the child would have read by now, and failed
    EXPECT_EQ(::write(far.get(), "late\n", 5), 5);
    on.run();
    EXPECT_EQ(who.result, 0);
}

} // namespace
