// Goal: the engine that was asked for, or the reason why not; the environment says which.
// Method: wishes and environment variables; where a ring is refused, its branch says "skipped".
#include "loop/engine_choice.hpp"
#include "unit/support/guarded.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace coring;
using loop::engine_kind;
using loop::engine_wish;

class engine_choice_test : public support::guarded {
protected:
    op::operation_slab records;

    void TearDown() override {
        ::unsetenv("COUTIL_ENGINE");
        ::unsetenv("COUTIL_RING_ENTRIES");
    }
};

TEST_F(engine_choice_test, epoll_is_had_when_it_is_asked_for) {
    auto chosen = loop::choose_engine({engine_kind::epoll, 8}, records);
    ASSERT_TRUE(chosen);
    EXPECT_STREQ(chosen.value().engine->name(), "epoll");
    EXPECT_EQ(chosen.value().refusal, 0);
}

TEST_F(engine_choice_test, the_ring_is_had_when_it_is_asked_for) {
    auto chosen = loop::choose_engine({engine_kind::uring, 8}, records);
    if (!chosen) {
        GTEST_SKIP() << "the ring is refused here: " << std::strerror(chosen.error());
    }
    EXPECT_STREQ(chosen.value().engine->name(), "uring");
}

TEST_F(engine_choice_test, automatic_always_ends_with_an_engine_and_a_reason_for_epoll) {
    auto chosen = loop::choose_engine({engine_kind::automatic, 8}, records);
    ASSERT_TRUE(chosen);
    const bool ring = std::string_view{chosen.value().engine->name()} == "uring";
    EXPECT_EQ(chosen.value().refusal == 0, ring);
}

TEST_F(engine_choice_test, a_process_without_descriptors_has_no_engine_and_is_told_so) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_NOFILE, &none);
        const auto automatic = loop::choose_engine({engine_kind::automatic, 8}, records);
        const auto epoll = loop::choose_engine({engine_kind::epoll, 8}, records);
        // Where rings are forbidden the kernel may say that first; then epoll has the last
        // word.
        ::_exit(!automatic && automatic.error() == EMFILE && !epoll && epoll.error() == EMFILE
                    ? 0
                    : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(engine_choice_test, the_environment_names_an_engine) {
    bool unknown = true;
    EXPECT_EQ(loop::wish_from_environment(unknown).kind, engine_kind::automatic);
    EXPECT_FALSE(unknown);
    for (const auto& [text, kind] :
         {std::pair{"uring", engine_kind::uring}, std::pair{"epoll", engine_kind::epoll},
          std::pair{"auto", engine_kind::automatic}, std::pair{"", engine_kind::automatic}}) {
        ::setenv("COUTIL_ENGINE", text, 1);
        EXPECT_EQ(loop::wish_from_environment(unknown).kind, kind) << text;
        EXPECT_FALSE(unknown) << text;
    }
}

TEST_F(engine_choice_test, an_unknown_name_acts_as_auto_and_is_noticed) {
    bool unknown = false;
    for (const char* text : {"URING", "epoll ", "kqueue"}) {
        ::setenv("COUTIL_ENGINE", text, 1);
        EXPECT_EQ(loop::wish_from_environment(unknown).kind, engine_kind::automatic);
        EXPECT_TRUE(unknown) << text;
    }
}

TEST_F(engine_choice_test, the_environment_sizes_the_ring_within_its_bounds) {
    bool unknown = false;
    for (const auto& [text, entries] : {std::pair{"1", 1U}, std::pair{"32768", 32768U},
                                        std::pair{"0", loop::default_ring_entries},
                                        std::pair{"32769", loop::default_ring_entries},
                                        std::pair{"-4", loop::default_ring_entries},
                                        std::pair{"many", loop::default_ring_entries}}) {
        ::setenv("COUTIL_RING_ENTRIES", text, 1);
        EXPECT_EQ(loop::wish_from_environment(unknown).ring_entries, entries) << text;
    }
}

} // namespace
