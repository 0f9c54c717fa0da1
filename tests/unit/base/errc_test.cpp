// Goal: codes get the words programs compare with, and nothing else.
// Method: spot checks of both domains, and a sweep that rebuilds what unknown codes must say.
#include "base/errc.hpp"

#include <array>
#include <cerrno>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

namespace {

using coring::base::error_text;
using coring::base::error_text_room;
using coring::base::resolver_code;

std::string text_of(int code) {
    std::array<char, error_text_room> scratch{};
    return std::string{error_text(code, scratch)};
}

TEST(errc, an_errno_of_the_table_has_its_own_words) {
    EXPECT_EQ(text_of(EPERM), "operation not permitted");
    EXPECT_EQ(text_of(EIO), "i/o error");
    EXPECT_EQ(text_of(EAGAIN), "resource temporarily unavailable");
    EXPECT_EQ(text_of(ENOTSUP), "operation not supported on socket");
    EXPECT_EQ(text_of(EREMOTEIO), "remote I/O error");
    EXPECT_EQ(text_of(ECANCELED), "operation canceled");
}

TEST(errc, pseudo_codes_have_their_words) {
    EXPECT_EQ(text_of(4095), "end of file");
    EXPECT_EQ(text_of(4094), "unknown error");
    EXPECT_EQ(text_of(4080), "invalid Unicode character");
    EXPECT_EQ(text_of(4028), "inappropriate file type or format");
    EXPECT_EQ(text_of(3000), "address family not supported");
    EXPECT_EQ(text_of(3008), "unknown node or service");
    EXPECT_EQ(text_of(3013), "invalid value for hints");
    EXPECT_EQ(text_of(3014), "resolved protocol is unknown");
}

TEST(errc, a_code_without_words_is_named_by_its_negative_number) {
    EXPECT_EQ(text_of(ECHILD), "Unknown system error -10");
    EXPECT_EQ(text_of(EDEADLK), "Unknown system error -35");
    EXPECT_EQ(text_of(3012), "Unknown system error -3012");
    EXPECT_EQ(text_of(2147483647), "Unknown system error -2147483647");
}

TEST(errc, the_table_has_as_many_messages_as_the_contract) {
    // Counted in the message table of the behaviour supplement: 64 errno values, 18 pseudo
    // codes.
    int errnos = 0;
    int pseudo_codes = 0;
    for (int code = 1; code < 5000; ++code) {
        if (text_of(code) != "Unknown system error -" + std::to_string(code)) {
            ++(code < 200 ? errnos : pseudo_codes);
        }
    }
    EXPECT_EQ(errnos, 64);
    EXPECT_EQ(pseudo_codes, 18);
}

TEST(errc, a_known_text_needs_no_scratch_afterwards) {
    std::string_view text;
    {
        std::array<char, error_text_room> scratch{};
        text = error_text(ENOENT, scratch);
    }
    EXPECT_EQ(text, "no such file or directory");
}

TEST(errc, answers_of_the_resolver_map_to_their_pseudo_codes) {
    EXPECT_EQ(resolver_code(EAI_ADDRFAMILY), 3000);
    EXPECT_EQ(resolver_code(EAI_AGAIN), 3001);
    EXPECT_EQ(resolver_code(EAI_BADFLAGS), 3002);
    EXPECT_EQ(resolver_code(EAI_CANCELED), 3003);
    EXPECT_EQ(resolver_code(EAI_FAIL), 3004);
    EXPECT_EQ(resolver_code(EAI_FAMILY), 3005);
    EXPECT_EQ(resolver_code(EAI_MEMORY), 3006);
    EXPECT_EQ(resolver_code(EAI_NODATA), 3007);
    EXPECT_EQ(resolver_code(EAI_NONAME), 3008);
    EXPECT_EQ(resolver_code(EAI_OVERFLOW), 3009);
    EXPECT_EQ(resolver_code(EAI_SERVICE), 3010);
    EXPECT_EQ(resolver_code(EAI_SOCKTYPE), 3011);
    EXPECT_EQ(resolver_code(EAI_IDN_ENCODE), 4080);
}

TEST(errc, an_answer_of_the_resolver_that_nobody_knows_is_a_permanent_failure) {
    EXPECT_EQ(resolver_code(-4711), 3004);
}

TEST(errc_death, success_is_no_error) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(static_cast<void>(text_of(0)), "assertion failed");
    EXPECT_DEATH(static_cast<void>(resolver_code(EAI_SYSTEM)), "assertion failed");
}

} // namespace
