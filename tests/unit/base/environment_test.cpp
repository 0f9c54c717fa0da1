// Goal: variables are copied out under the guard, in whatever room there is; the whole
// environment becomes one block that execve takes.
// Method: variables of this process; threads that set and read one variable.
#include "base/environment.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using namespace coring::base;

constexpr const char* name = "CORING_TEST_VARIABLE";

class environment_test : public testing::Test {
protected:
    void TearDown() override { ::unsetenv(name); }
};

TEST_F(environment_test, a_variable_is_copied_with_its_zero) {
    ASSERT_EQ(write_variable(name, "value"), 0);
    std::array<char, 6> room{};
    EXPECT_EQ(read_variable(name, room), 6U);
    EXPECT_STREQ(room.data(), "value");
    EXPECT_STREQ(std::getenv(name), "value");
}

TEST_F(environment_test, what_does_not_fit_is_cut_and_the_room_it_needs_is_told) {
    ASSERT_EQ(write_variable(name, "value"), 0);
    std::array<char, 3> room{'x', 'x', 'x'};
    EXPECT_EQ(read_variable(name, room), 6U);
    EXPECT_STREQ(room.data(), "va");
}

TEST_F(environment_test, an_absent_variable_needs_no_room_and_an_empty_one_does) {
    std::array<char, 3> room{'x', 'x', 'x'};
    EXPECT_EQ(read_variable(name, room), 0U);
    EXPECT_STREQ(room.data(), "");
    ASSERT_EQ(write_variable(name, ""), 0);
    EXPECT_EQ(read_variable(name, room), 1U);
    ASSERT_EQ(write_variable(name, nullptr), 0);
    EXPECT_EQ(read_variable(name, room), 0U);
    EXPECT_EQ(write_variable(name, nullptr), 0) << "removed already";
}

TEST_F(environment_test, names_that_no_variable_can_have_are_refused) {
    EXPECT_EQ(write_variable("", "x"), EINVAL);
    EXPECT_EQ(write_variable("a=b", "x"), EINVAL);
    EXPECT_EQ(write_variable("", nullptr), EINVAL);
    EXPECT_EQ(write_variable("a=b", nullptr), EINVAL);
}

TEST_F(environment_test, the_whole_environment_fits_exactly_into_the_room_it_asks_for) {
    ASSERT_EQ(write_variable(name, "value"), 0);
    const std::size_t needed = copy_environment({});
    std::vector<char*> block(needed / sizeof(char*) + 1, nullptr);
    auto* bytes = reinterpret_cast<char*>(block.data());
    EXPECT_EQ(copy_environment({bytes, needed - 1}), needed);
    EXPECT_EQ(block.front(), nullptr) << "too little room: nothing is written";
    EXPECT_EQ(copy_environment({bytes, needed}), needed);
    std::size_t count = 0;
    bool found = false;
    for (char** each = block.data(); *each != nullptr; ++each, ++count) {
        EXPECT_STREQ(*each, environ[count]);
        EXPECT_NE(*each, environ[count]);
        found = found || std::string{*each} == std::string{name} + "=value";
    }
    EXPECT_EQ(environ[count], nullptr);
    EXPECT_TRUE(found);
}

TEST_F(environment_test, a_written_block_is_a_valid_environment_after_each_text) {
    std::array<char*, 16> block{};
    const std::size_t size = environment_writer::room_for(2, 8);
    ASSERT_LE(size, sizeof block);
    environment_writer into{block.data(), 2};
    EXPECT_EQ(block[0], nullptr);
    into.add("A=1");
    EXPECT_STREQ(block[0], "A=1");
    EXPECT_EQ(block[1], nullptr);
    into.add("B=2");
    EXPECT_STREQ(block[1], "B=2");
    EXPECT_EQ(block[2], nullptr);
}

// With the thread sanitizer, or with luck: without the guard this reads freed memory.
TEST_F(environment_test, threads_may_set_and_read_a_variable_at_the_same_time) {
    std::atomic<bool> over{false};
    std::thread writer{[&] {
        for (int round = 0; round < 2000; ++round) {
            const std::string value(static_cast<std::size_t>(1 + round % 200), 'v');
            EXPECT_EQ(write_variable(name, value.c_str()), 0);
        }
        over = true;
    }};
    while (!over) {
        std::array<char, 256> room{};
        const std::size_t size = read_variable(name, room);
        const std::string value{room.data()};
        EXPECT_EQ(value.size(), size == 0 ? 0 : size - 1);
        EXPECT_EQ(value.find_first_not_of('v'), std::string::npos);
    }
    writer.join();
}

} // namespace
