// Goal: a descriptor is closed once, by its last owner, and never by a former one.
// Method: ask the kernel whether the number is open (fcntl).
#include "base/unique_fd.hpp"

#include <cerrno>
#include <type_traits>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

namespace {

using coring::base::unique_fd;

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

unique_fd make() {
    return unique_fd{::eventfd(0, EFD_CLOEXEC)};
}

static_assert(!std::is_copy_constructible_v<unique_fd>);
static_assert(!std::is_copy_assignable_v<unique_fd>);
static_assert(std::is_nothrow_move_constructible_v<unique_fd>);

TEST(unique_fd, an_empty_one_closes_nothing) {
    const unique_fd empty;
    EXPECT_FALSE(empty.valid());
    EXPECT_EQ(empty.get(), -1);
}

TEST(unique_fd, the_end_of_the_owner_closes_the_descriptor) {
    int number = -1;
    {
        const unique_fd owner = make();
        number = owner.get();
        EXPECT_TRUE(owner.valid());
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(unique_fd, moving_leaves_the_source_empty_and_the_descriptor_open) {
    unique_fd first = make();
    const int number = first.get();
    const unique_fd second{std::move(first)};
    EXPECT_FALSE(first.valid()); // NOLINT(bugprone-use-after-move): what this states
    EXPECT_EQ(second.get(), number);
    EXPECT_TRUE(is_open(number));
}

TEST(unique_fd, assignment_closes_what_was_owned_before) {
    unique_fd target = make();
    const int old_number = target.get();
    unique_fd source = make();
    const int new_number = source.get();
    target = std::move(source);
    EXPECT_FALSE(is_open(old_number));
    EXPECT_EQ(target.get(), new_number);
    EXPECT_TRUE(is_open(new_number));
}

TEST(unique_fd, assignment_to_itself_keeps_the_descriptor) {
    unique_fd owner = make();
    unique_fd& same = owner;
    owner = std::move(same);
    EXPECT_TRUE(owner.valid());
    EXPECT_TRUE(is_open(owner.get()));
}

TEST(unique_fd, a_released_descriptor_is_the_callers) {
    unique_fd owner = make();
    const int number = owner.release();
    EXPECT_FALSE(owner.valid());
    EXPECT_TRUE(is_open(number));
    const unique_fd again{number};
}

TEST(unique_fd, reset_closes_and_takes_the_new_one) {
    unique_fd owner = make();
    const int first = owner.get();
    unique_fd other = make();
    const int second = other.release();
    owner.reset(second);
    EXPECT_FALSE(is_open(first));
    EXPECT_EQ(owner.get(), second);
    owner.reset();
    EXPECT_FALSE(is_open(second));
    EXPECT_FALSE(owner.valid());
}

} // namespace
