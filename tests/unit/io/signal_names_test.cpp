// Goal: names and numbers are those of behaviour 9.5, in both directions.
#include "io/signal_names.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace {

using coring::io::can_be_awaited;
using coring::io::signal_name;
using coring::io::signal_number;

TEST(signal_names, every_name_has_its_number_and_every_number_its_name) {
    struct pair {
        const char* name;
        int number;
    };

    const pair expected[] = {
        {"TERMINATE", 9},  {"STOP", 19},       {"interrupt", 2},   {"terminate", 15},
        {"stop", 20},      {"continue", 18},   {"hangup", 1},      {"stdinoff", 21},
        {"stdoutoff", 22}, {"winresize", 28},  {"quit", 3},        {"child", 17},
        {"abort", 6},      {"brokenpipe", 13}, {"urgentsock", 23}, {"userdef1", 10},
        {"userdef2", 12},  {"trap", 5},        {"filelimit", 25},  {"clocktime", 14},
        {"cpulimit", 24},  {"cputotal", 27},   {"cputime", 26},    {"polling", 29},
        {"sysargerr", 31},
    };
    for (const pair& each : expected) {
        EXPECT_EQ(signal_number(each.name), each.number) << each.name;
        EXPECT_STREQ(signal_name(each.number), each.name);
    }
}

TEST(signal_names, other_names_and_numbers_have_none) {
    for (const char* name : {"", "kill", "Interrupt", "interrupt ", "SIGINT", "2"}) {
        EXPECT_EQ(signal_number(name), 0) << name;
    }
    for (const int number :
         {-1, 0, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGPWR, 16, 32, 64, 1000}) {
        EXPECT_EQ(signal_name(number), nullptr) << number;
    }
}

TEST(signal_names, what_the_kernel_does_not_hand_out_cannot_be_awaited) {
    EXPECT_FALSE(can_be_awaited(signal_number("TERMINATE")));
    EXPECT_FALSE(can_be_awaited(signal_number("STOP")));
    EXPECT_TRUE(can_be_awaited(signal_number("terminate")));
    EXPECT_TRUE(can_be_awaited(signal_number("stop")));
}

} // namespace
