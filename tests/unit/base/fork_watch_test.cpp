// Goal: a child knows that it is one, a grandchild too, and the parent notices nothing.
// Method: fork and let the child's exit status say what it saw.
#include "base/fork_watch.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace coring::base;

int status_of(pid_t child) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(fork_watch, a_child_has_another_generation_and_the_parent_keeps_its_own) {
    watch_forks();
    const unsigned mine = fork_generation();
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(fork_generation() != mine ? 0 : 1);
    }
    EXPECT_EQ(status_of(child), 0);
    EXPECT_EQ(fork_generation(), mine);
}

TEST(fork_watch, a_grandchild_differs_from_both) {
    watch_forks();
    const unsigned mine = fork_generation();
    const pid_t child = ::fork();
    if (child == 0) {
        const unsigned childs = fork_generation();
        const pid_t grandchild = ::fork();
        if (grandchild == 0) {
            const unsigned own = fork_generation();
            ::_exit(own != mine && own != childs ? 0 : 1);
        }
        int status = -1;
        ::waitpid(grandchild, &status, 0);
        ::_exit(childs != mine && status == 0 ? 0 : 1);
    }
    EXPECT_EQ(status_of(child), 0);
}

TEST(fork_watch, watching_twice_counts_each_fork_once) {
    watch_forks();
    watch_forks();
    const unsigned mine = fork_generation();
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(fork_generation() == mine + 1 ? 0 : 1);
    }
    EXPECT_EQ(status_of(child), 0);
}

} // namespace
