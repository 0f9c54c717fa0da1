// Goal: programs are looked for where POSIX says, in order, with the environment's own PATH.
// Method: the list of paths alone; nothing is executed.
#include "io/program_search.hpp"

#include <climits>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace {

using coring::io::program_paths;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> paths_of(const std::string& file, std::vector<std::string> variables) {
    std::vector<char*> environment;
    for (std::string& each : variables) {
        environment.push_back(each.data());
    }
    environment.push_back(nullptr);
    auto found = program_paths::of(file.c_str(), environment.data());
    EXPECT_TRUE(found);
    std::vector<std::string> list;
    const char* at = found.value().texts();
    for (std::size_t each = 0; each < found.value().count(); ++each) {
        list.emplace_back(at);
        at += list.back().size() + 1;
    }
    return list;
}

TEST(program_search, each_directory_of_the_path_is_tried_in_order) {
    EXPECT_THAT(paths_of("sh", {"A=1", "PATH=/a:/b/c:d", "PATH=/e"}),
                ElementsAre("/a/sh", "/b/c/sh", "d/sh"));
}

TEST(program_search, a_name_with_a_slash_is_a_path) {
    EXPECT_THAT(paths_of("/bin/sh", {"PATH=/a"}), ElementsAre("/bin/sh"));
    EXPECT_THAT(paths_of("./sh", {"PATH=/a"}), ElementsAre("./sh"));
    EXPECT_THAT(paths_of("a/", {}), ElementsAre("a/"));
}

TEST(program_search, no_name_is_no_program) {
    EXPECT_THAT(paths_of("", {"PATH=/a"}), ElementsAre(""));
}

TEST(program_search, an_empty_directory_is_the_present_one) {
    EXPECT_THAT(paths_of("sh", {"PATH="}), ElementsAre("sh"));
    EXPECT_THAT(paths_of("sh", {"PATH=:/a"}), ElementsAre("sh", "/a/sh"));
    EXPECT_THAT(paths_of("sh", {"PATH=/a::/b:"}), ElementsAre("/a/sh", "sh", "/b/sh", "sh"));
}

TEST(program_search, without_a_path_the_systems_own_is_used) {
    EXPECT_THAT(paths_of("sh", {"PATHS=/a", "XPATH=/b"}),
                ElementsAre("/bin/sh", "/usr/bin/sh"));
}

TEST(program_search, what_is_too_long_for_a_path_is_left_out) {
    const std::string long_one(PATH_MAX, 'x');
    EXPECT_THAT(paths_of("sh", {"PATH=" + long_one}), IsEmpty());
    EXPECT_THAT(paths_of("sh", {"PATH=" + long_one + ":/a"}), ElementsAre("/a/sh"));
}

} // namespace
