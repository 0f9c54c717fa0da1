// Goal: order is kept, an element leaves from anywhere, and splicing loses and invents nobody.
// Method: small lists of letters, written out as text; then a random walk beside std::list.
#include "base/intrusive_list.hpp"

#include <array>
#include <list>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace {

using coring::base::intrusive_list;
using coring::base::list_link;

struct letter : list_link {
    explicit letter(char written_as) noexcept : text{written_as} {}

    char text;
};

using letters = intrusive_list<letter>;

std::string written(letters& list) {
    std::string text;
    list.for_each([&](letter& next) { text += next.text; });
    return text;
}

struct intrusive_list_test : ::testing::Test {
    letter a{'a'};
    letter b{'b'};
    letter c{'c'};
    letters list; // after the elements: it unlinks them when it goes
    letters other;
};

TEST_F(intrusive_list_test, an_empty_list_has_no_front) {
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.front(), nullptr);
    EXPECT_EQ(list.pop_front(), nullptr);
    EXPECT_EQ(list.count(), 0U);
}

TEST_F(intrusive_list_test, elements_come_out_in_the_order_they_were_put_in) {
    list.push_back(b);
    list.push_back(c);
    list.push_front(a);
    EXPECT_EQ(written(list), "abc");
    EXPECT_EQ(list.pop_front(), &a);
    EXPECT_EQ(list.pop_front(), &b);
    EXPECT_EQ(list.pop_front(), &c);
    EXPECT_TRUE(list.empty());
    EXPECT_FALSE(a.linked() || b.linked() || c.linked());
}

TEST_F(intrusive_list_test, an_element_leaves_from_the_front_the_middle_and_the_end) {
    for (letter* leaving : {&a, &b, &c}) {
        list.push_back(a);
        list.push_back(b);
        list.push_back(c);
        leaving->unlink();
        EXPECT_FALSE(leaving->linked());
        EXPECT_EQ(list.count(), 2U);
        EXPECT_EQ(written(list).find(leaving->text), std::string::npos);
        while (list.pop_front() != nullptr) {
        }
    }
}

TEST_F(intrusive_list_test, leaving_twice_is_leaving_once) {
    list.push_back(a);
    a.unlink();
    a.unlink();
    EXPECT_TRUE(list.empty());
}

TEST_F(intrusive_list_test, after_walks_to_the_end) {
    list.push_back(a);
    list.push_back(b);
    EXPECT_EQ(list.after(a), &b);
    EXPECT_EQ(list.after(b), nullptr);
}

TEST_F(intrusive_list_test, splicing_behind_keeps_both_orders) {
    list.push_back(a);
    other.push_back(b);
    other.push_back(c);
    list.splice_back(other);
    EXPECT_EQ(written(list), "abc");
    EXPECT_TRUE(other.empty());
}

TEST_F(intrusive_list_test, splicing_before_keeps_both_orders) {
    list.push_back(c);
    other.push_back(a);
    other.push_back(b);
    list.splice_front(other);
    EXPECT_EQ(written(list), "abc");
    EXPECT_TRUE(other.empty());
}

TEST_F(intrusive_list_test, splicing_an_empty_list_changes_nothing) {
    list.push_back(a);
    list.splice_back(other);
    list.splice_front(other);
    EXPECT_EQ(written(list), "a");
    other.splice_back(list);
    EXPECT_EQ(written(other), "a");
    list.splice_front(other);
    EXPECT_EQ(written(list), "a");
    EXPECT_TRUE(other.empty());
}

TEST_F(intrusive_list_test, an_element_that_was_spliced_leaves_its_new_list) {
    other.push_back(a);
    other.push_back(b);
    list.splice_back(other);
    b.unlink();
    EXPECT_EQ(written(list), "a");
    other.push_back(b);
    EXPECT_EQ(written(other), "b");
}

TEST_F(intrusive_list_test, a_list_that_ends_unlinks_what_it_holds) {
    {
        letters shorter_lived;
        shorter_lived.push_back(a);
    }
    EXPECT_FALSE(a.linked());
}

using intrusive_list_death_test = intrusive_list_test;

TEST_F(intrusive_list_death_test, an_element_cannot_be_in_two_lists) {
    list.push_back(a);
    EXPECT_DEATH(other.push_back(a), "linked");
}

TEST(intrusive_list, a_random_walk_agrees_with_the_standard_list) {
    std::mt19937 dice{1}; // a fixed seed: a failure can be had again
    std::array<letters, 3> ours;
    std::array<std::list<letter*>, 3> theirs;
    std::list<letter> pool;
    for (int step = 0; step < 5000; ++step) {
        const std::size_t at = dice() % 3;
        const std::size_t to = (at + 1) % 3;
        switch (dice() % 5) {
        case 0:
            pool.emplace_back(static_cast<char>('a' + step % 26));
            ours[at].push_back(pool.back());
            theirs[at].push_back(&pool.back());
            break;
        case 1:
            pool.emplace_back(static_cast<char>('A' + step % 26));
            ours[at].push_front(pool.back());
            theirs[at].push_front(&pool.back());
            break;
        case 2:
            if (!theirs[at].empty()) {
                auto leaving = std::next(theirs[at].begin(),
                                         static_cast<long>(dice() % theirs[at].size()));
                (*leaving)->unlink();
                theirs[at].erase(leaving);
            }
            break;
        case 3:
            ours[to].splice_back(ours[at]);
            theirs[to].splice(theirs[to].end(), theirs[at]);
            break;
        default:
            ours[to].splice_front(ours[at]);
            theirs[to].splice(theirs[to].begin(), theirs[at]);
            break;
        }
        std::string expected;
        for (const letter* next : theirs[to]) {
            expected += next->text;
        }
        ASSERT_EQ(written(ours[to]), expected) << "step " << step;
        ASSERT_EQ(ours[at].count(), theirs[at].size());
    }
    for (letters& list : ours) { // before the pool they point into ends
        while (list.pop_front() != nullptr) {
        }
    }
}

} // namespace
