// Goal: the limit of either version of control groups, wherever they are mounted and however
// deep the process is. Method: hierarchies of files in a directory of the test's own.
#include "io/memory_limit.hpp"
#include "unit/support/files.hpp"

#include <gtest/gtest.h>

namespace {

using namespace coring::io;

constexpr std::int64_t no_limit = 9223372036854771712; // pages of 4 KiB

class memory_limit_test : public testing::Test {
protected:
    coring::support::own_directory directory;
    std::string groups;
    std::string mounts;

    // What the two texts of /proc say, and the limit that follows.
    std::int64_t limit(std::string_view groups_text, std::string_view mounts_text) const {
        const std::string groups_path = directory.write("groups", groups_text);
        const std::string mounts_path = directory.write("mounts", mounts_text);
        return memory_limit_bytes({groups_path.c_str(), mounts_path.c_str()});
    }

    // A line of mountinfo for something of this type, mounted at `name` in the directory.
    std::string mounted(std::string_view name,
                        std::string_view type,
                        std::string_view options = "rw",
                        std::string_view root = "/") const {
        return "31 23 0:28 " + std::string{root} + " " + directory.at(name) +
               " rw,relatime shared:7 master:1 - " + std::string{type} + " none " +
               std::string{options} + "\n";
    }
};

TEST_F(memory_limit_test, version_2_tells_the_smallest_on_the_way_up) {
    directory.write("two/a/memory.max", "5000\n");
    directory.write("two/a/b/memory.max", "9000\n");
    directory.write("two/a/b/c/memory.max", "max\n");
    const std::string line = mounted("two", "cgroup2");
    EXPECT_EQ(limit("0::/a/b/c\n", line), 5000);
    EXPECT_EQ(limit("0::/a\n", line), 5000);
    directory.write("two/a/b/c/memory.max", "4096\n");
    EXPECT_EQ(limit("0::/a/b/c\n", line), 4096);
}

TEST_F(memory_limit_test, version_2_without_a_limit_says_what_version_1_says) {
    directory.write("two/a/memory.max", "max\n");
    EXPECT_EQ(limit("0::/a\n", mounted("two", "cgroup2")), no_limit);
}

TEST_F(memory_limit_test, version_1_is_the_hierarchy_that_has_memory) {
    directory.write("one/a/memory.limit_in_bytes", "7000\n");
    directory.write("one/memory.limit_in_bytes", "9223372036854771712\n");
    directory.write("cpu/a/memory.limit_in_bytes", "1\n");
    const std::string lines = mounted("cpu", "cgroup", "rw,cpu,cpuacct") +
                              mounted("one", "cgroup", "rw,memory") +
                              mounted("unified", "cgroup2");
    EXPECT_EQ(limit("9:name=systemd:/x\n4:memory:/a\n3:cpu,cpuacct:/a\n0::/\n", lines), 7000);
    EXPECT_EQ(limit("4:hugetlb,memory:/\n0::/\n", lines), no_limit);
    EXPECT_EQ(limit("3:cpu,cpuacct:/a\n", lines), 0) << "in no group that has memory";
}

TEST_F(memory_limit_test, a_container_sees_its_own_group_as_the_top) {
    directory.write("two/memory.max", "3000\n");
    directory.write("two/inner/memory.max", "2000\n");
    const std::string line = mounted("two", "cgroup2", "rw", "/docker/abc");
    EXPECT_EQ(limit("0::/docker/abc\n", line), 3000);
    EXPECT_EQ(limit("0::/docker/abc/inner\n", line), 2000);
    EXPECT_EQ(limit("0::/docker/abcdef\n", line), 3000) << "outside of what is mounted";
    EXPECT_EQ(limit("0::/../../elsewhere\n", mounted("two", "cgroup2")), 3000);
}

TEST_F(memory_limit_test, nothing_that_tells_is_zero) {
    EXPECT_EQ(limit("", ""), 0);
    EXPECT_EQ(limit("0::/\n", mounted("two", "cgroup2")), 0);
    EXPECT_EQ(limit("0::/\n", "31 23\n\n - \n"), 0);
    directory.write("two/memory.max", "much\n");
    EXPECT_EQ(limit("0::/\n", mounted("two", "cgroup2")), 0);
    EXPECT_EQ(memory_limit_bytes({"/nowhere", "/nowhere"}), 0);
}

TEST_F(memory_limit_test, paths_longer_than_there_is_room_do_no_harm) {
    directory.write("two/memory.max", "3000\n");
    const std::string deep = "0::/" + std::string(3900, 'x') + "\n";
    EXPECT_EQ(limit(deep, mounted("two", "cgroup2")), 3000);
}

TEST_F(memory_limit_test, this_machine_has_an_answer) {
    EXPECT_GE(memory_limit_bytes(), 0);
}

} // namespace
