// Goal: every letter arrives once and in order, one knock is enough for many, none is lost, and
// a mailbox may go as soon as its owner has what it waited for.
// Method: single-threaded sequences for the knocks; for the races, posters that start together
// and an owner that sleeps in poll(2) without a limit: a lost wake-up shows as a test that
// hangs.
#include "base/mailbox.hpp"

#include <array>
#include <latch>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using coring::base::mail;
using coring::base::mailbox;
using testing::ElementsAre;

struct letter : mail {
    int from = 0;
    int number = 0;
};

bool knocked(const mailbox& box, int timeout_ms = 0) {
    pollfd wait{box.fd(), POLLIN, 0};
    return ::poll(&wait, 1, timeout_ms) == 1;
}

std::vector<int> numbers(const mail* at) {
    std::vector<int> all;
    for (; at != nullptr; at = at->next) {
        all.push_back(static_cast<const letter*>(at)->number);
    }
    return all;
}

TEST(mailbox, a_new_one_is_quiet_and_empty) {
    mailbox box;
    EXPECT_EQ(box.fd(), -1);
    ASSERT_TRUE(box.open());
    EXPECT_GE(box.fd(), 0);
    EXPECT_TRUE(box.empty());
    EXPECT_FALSE(knocked(box));
    EXPECT_EQ(box.collect(), nullptr);
}

TEST(mailbox, its_descriptor_is_not_inherited_and_does_not_block) {
    mailbox box;
    ASSERT_TRUE(box.open());
    EXPECT_EQ(::fcntl(box.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    EXPECT_EQ(::fcntl(box.fd(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

TEST(mailbox, a_post_can_be_made_in_two_halves) {
    mailbox box;
    ASSERT_TRUE(box.open());
    letter first;
    letter second;
    EXPECT_TRUE(box.push(first));
    EXPECT_FALSE(knocked(box));
    EXPECT_FALSE(box.push(second)) << "the first one owes the knock";
    EXPECT_FALSE(box.empty_now());
    box.knock();
    EXPECT_TRUE(knocked(box));
    EXPECT_EQ(box.collect(), &first);
    EXPECT_TRUE(box.empty_now());
}

TEST(mailbox, a_listener_is_told_once_for_a_batch) {
    struct counting : coring::base::mail_listener {
        mailbox* box = nullptr;
        int kept = 0;
        int times = 0;
    } ear;

    ear.keep = [](coring::base::mail_listener& self) noexcept {
        auto& told = static_cast<counting&>(self);
        EXPECT_FALSE(knocked(*told.box)) << "the mailbox may be gone after the knock";
        ++told.kept;
    };
    ear.knocked = [](coring::base::mail_listener& self) noexcept {
        auto& told = static_cast<counting&>(self);
        EXPECT_TRUE(knocked(*told.box));
        ++told.times;
        EXPECT_EQ(told.times, told.kept);
    };
    mailbox box;
    ear.box = &box;
    ASSERT_TRUE(box.open());
    std::array<letter, 4> letters;
    box.post(letters[0]);
    EXPECT_EQ(ear.times, 0);
    box.listen(&ear);
    box.post(letters[1]);
    EXPECT_EQ(ear.times, 0) << "mail was there already";
    static_cast<void>(box.collect());
    box.post(letters[2]);
    EXPECT_EQ(ear.times, 1);
    static_cast<void>(box.collect());
    box.listen(nullptr);
    box.post(letters[3]);
    EXPECT_EQ(ear.times, 1);
}

TEST(mailbox, letters_come_out_in_the_order_they_were_posted) {
    mailbox box;
    ASSERT_TRUE(box.open());
    letter letters[3];
    for (int at = 0; at < 3; ++at) {
        letters[at].number = at;
        box.post(letters[at]);
    }
    EXPECT_FALSE(box.empty());
    EXPECT_THAT(numbers(box.collect()), ElementsAre(0, 1, 2));
    EXPECT_TRUE(box.empty());
}

TEST(mailbox, collecting_silences_the_knock_and_the_next_post_knocks_again) {
    mailbox box;
    ASSERT_TRUE(box.open());
    letter one;
    letter two;
    box.post(one);
    box.post(two);
    EXPECT_TRUE(knocked(box));
    EXPECT_NE(box.collect(), nullptr);
    EXPECT_FALSE(knocked(box));
    box.post(one);
    EXPECT_TRUE(knocked(box));
    EXPECT_EQ(box.collect(), &one);
}

TEST(mailbox, many_posts_between_two_collects_knock_once) {
    mailbox box;
    ASSERT_TRUE(box.open());
    letter letters[5];
    for (letter& each : letters) {
        box.post(each);
    }
    std::uint64_t knocks = 0;
    ASSERT_EQ(::read(box.fd(), &knocks, sizeof knocks), static_cast<ssize_t>(sizeof knocks));
    EXPECT_EQ(knocks, 1u);
    // Put it back: the mailbox counts on reading what was knocked.
    ASSERT_EQ(::write(box.fd(), &knocks, sizeof knocks), static_cast<ssize_t>(sizeof knocks));
    EXPECT_NE(box.collect(), nullptr);
}

TEST(mailbox, a_failure_to_open_is_reported) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) { // in a child, since the limit is the process's
        while (::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) >= 0) {
        }
        mailbox box;
        const auto opened = box.open();
        ::_exit(!opened && opened.error() == EMFILE ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(mailbox, after_a_fork_the_child_swallows_no_knock_of_its_parent) {
    mailbox box;
    ASSERT_TRUE(box.open());
    letter one;
    box.post(one);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        box.forget();
        const bool closed = box.fd() == -1 && box.empty();
        box.~mailbox();
        ::_exit(closed ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(knocked(box));
    EXPECT_EQ(box.collect(), &one);
}

TEST(mailbox, no_letter_and_no_wake_up_is_lost_among_many_posters) {
    constexpr int posters = 4;
    constexpr int each = 20'000;
    mailbox box;
    ASSERT_TRUE(box.open());
    std::vector<std::vector<letter>> letters(posters, std::vector<letter>(each));
    std::latch start{posters + 1};
    std::vector<std::thread> threads;
    for (int from = 0; from < posters; ++from) {
        threads.emplace_back([&, from] {
            start.arrive_and_wait();
            for (int number = 0; number < each; ++number) {
                letter& next =
                    letters[static_cast<std::size_t>(from)][static_cast<std::size_t>(number)];
                next.from = from;
                next.number = number;
                box.post(next);
            }
        });
    }
    start.arrive_and_wait();
    int expected[posters] = {};
    int received = 0;
    bool in_order = true;
    while (received < posters * each) {
        ASSERT_TRUE(knocked(box, -1));
        for (const mail* at = box.collect(); at != nullptr; at = at->next) {
            const auto& got = static_cast<const letter&>(*at);
            in_order = in_order && got.number == expected[got.from];
            ++expected[got.from];
            ++received;
        }
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_TRUE(in_order);
    EXPECT_EQ(box.collect(), nullptr);
}

TEST(mailbox, a_reply_that_is_awaited_before_each_post_always_wakes) {
    // Ping-pong: every post is the first of its batch, so every single knock matters.
    constexpr int rounds = 20'000;
    mailbox there;
    mailbox back;
    ASSERT_TRUE(there.open());
    ASSERT_TRUE(back.open());
    std::thread echo{[&] {
        for (int done = 0; done < rounds;) {
            static_cast<void>(knocked(there, -1));
            for (mail* at = there.collect(); at != nullptr; ++done) {
                mail* const next = at->next;
                back.post(*at);
                at = next;
            }
        }
    }};
    letter ball;
    int returned = 0;
    for (int round = 0; round < rounds; ++round) {
        there.post(ball);
        mail* got = nullptr;
        while (got == nullptr) {
            ASSERT_TRUE(knocked(back, -1));
            got = back.collect();
        }
        returned += got == &ball ? 1 : 0;
    }
    echo.join();
    EXPECT_EQ(returned, rounds);
}

TEST(mailbox, it_can_be_destroyed_as_soon_as_the_last_letter_was_collected) {
    // The owner does not wait for the knock, so the poster is often still before it. What would
    // go wrong is a knock on a descriptor that is closed, or someone else's: an assertion or a
    // race.
    constexpr int rounds = 2'000;
    std::atomic<mailbox*> open_box{nullptr};
    letter only;
    std::thread poster{[&] {
        for (int round = 0; round < rounds; ++round) {
            mailbox* box = nullptr;
            while ((box = open_box.exchange(nullptr)) == nullptr) {
            }
            box->post(only);
        }
    }};
    for (int round = 0; round < rounds; ++round) {
        mailbox box;
        ASSERT_TRUE(box.open());
        open_box = &box;
        while (box.collect() == nullptr) {
        }
    }
    poster.join();
}

} // namespace
