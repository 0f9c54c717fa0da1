// Goal: what architectures and kernels say in different words ends up in the same facts, and
// nonsense in none. Method: texts as other machines have them; mutations of them.
#include "io/cpu_info.hpp"
#include "unit/support/files.hpp"

#include <cerrno>
#include <random>

#include <gtest/gtest.h>

namespace {

using namespace coring::io;

class cpu_info_test : public testing::Test {
protected:
    coring::support::own_directory directory;
    std::string times;
    std::string models;
    std::string frequencies = directory.at("cpu");

    coring::base::result<cpu_list> list() const {
        return list_cpus({times.c_str(), models.c_str(), frequencies.c_str()});
    }
};

TEST_F(cpu_info_test, a_pc_with_a_cpu_off) {
    times = directory.write("stat", "cpu  9 9 9 9 9 9 9 9 9 9\n"
                                    "cpu0 1 2 3 4 5 6 7 8 9 10\n"
                                    "cpu2 100 200 300 400 500 600 0 0 0 0\n"
                                    "intr 1 2 3\n");
    models = directory.write("cpuinfo", "processor\t: 0\nmodel\t\t: 17\n"
                                        "model name\t: First One\ncpu MHz\t\t: 2596.999\n\n"
                                        "processor\t: 2\nmodel name\t: Third\n"
                                        "cpu MHz\t\t: 800.000\nflags\t\t: fpu vme\n\n");
    auto listed = list();
    ASSERT_TRUE(listed);
    cpu_list& cpus = listed.value();
    ASSERT_EQ(cpus.size(), 2U);
    EXPECT_STREQ(cpus[0].model.data(), "First One");
    EXPECT_EQ(cpus[0].clock_mhz, 2596);
    EXPECT_STREQ(cpus[1].model.data(), "Third");
    EXPECT_EQ(cpus[1].number, 2);
    EXPECT_EQ(cpus[1].user_ms, 1000) << "a hundred ticks of a hundredth";
    EXPECT_EQ(cpus[1].nice_ms, 2000);
    EXPECT_EQ(cpus[1].system_ms, 3000);
    EXPECT_EQ(cpus[1].idle_ms, 4000);
    EXPECT_EQ(cpus[1].interrupt_ms, 6000) << "the fifth is time spent waiting for devices";
}

TEST_F(cpu_info_test, a_machine_that_names_no_model_and_has_its_clock_elsewhere) {
    times = directory.write("stat", "cpu 0 0 0 0\ncpu0 0 0 0 0\ncpu1 0 0 0 0\n");
    models = directory.write("cpuinfo", "processor\t: 0\nBogoMIPS\t: 108.00\n"
                                        "CPU part\t: 0xd08\n\nprocessor\t: 1\n");
    directory.write("cpu/cpu0/cpufreq/scaling_cur_freq", "1500000\n");
    directory.write("cpu/cpu1/cpufreq/scaling_cur_freq", "<unknown>\n");
    auto listed = list();
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed.value().size(), 2U);
    EXPECT_STREQ(listed.value()[0].model.data(), "unknown");
    EXPECT_EQ(listed.value()[0].clock_mhz, 1500);
    EXPECT_EQ(listed.value()[0].interrupt_ms, 0) << "an old kernel that does not count it";
    EXPECT_EQ(listed.value()[1].clock_mhz, 0);
}

TEST_F(cpu_info_test, a_machine_with_other_words) {
    times = directory.write("stat", "cpu0 1 1 1 1 1 1\n");
    models = directory.write("cpuinfo", "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n"
                                        "clock\t\t: 2600.000000MHz\n");
    auto listed = list();
    ASSERT_TRUE(listed);
    EXPECT_STREQ(listed.value()[0].model.data(), "POWER9, altivec supported");
    EXPECT_EQ(listed.value()[0].clock_mhz, 2600);
}

TEST_F(cpu_info_test, only_the_times_have_to_be_readable) {
    times = directory.at("absent");
    auto none = list();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error(), ENOENT);
    times = directory.write("stat", "cpu0 1 1 1 1 1 1\n");
    models = directory.at("absent");
    auto listed = list();
    ASSERT_TRUE(listed);
    EXPECT_STREQ(listed.value()[0].model.data(), "unknown");
}

TEST_F(cpu_info_test, a_model_longer_than_there_is_room_is_cut) {
    times = directory.write("stat", "cpu0 1 1 1 1 1 1\n");
    models = directory.write("cpuinfo",
                             "processor : 0\nmodel name : " + std::string(500, 'm') + "\n");
    auto listed = list();
    ASSERT_TRUE(listed);
    EXPECT_EQ(std::string{listed.value()[0].model.data()}, std::string(127, 'm'));
}

TEST_F(cpu_info_test, more_cpus_than_the_list_begins_with) {
    std::string text;
    for (int number = 0; number < 1000; ++number) {
        text += "cpu" + std::to_string(number) + " " + std::to_string(number) + " 0 0 0 0 0\n";
    }
    times = directory.write("stat", text);
    auto listed = list();
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed.value().size(), 1000U);
    EXPECT_EQ(listed.value()[999].user_ms, 9990);
}

TEST_F(cpu_info_test, mutated_texts_give_something_or_nothing) {
    std::mt19937 random{20260721}; // NOLINT(cert-msc51-cpp): the same each time
    const std::string good = "cpu  9 9\ncpu0 1 2 3 4 5 6\ncpu1 1 2 3 4 5 6\n";
    const std::string names = "processor : 0\nmodel name : x\ncpu MHz : 1.5\nprocessor : 1\n";
    for (int round = 0; round < 500; ++round) {
        std::string first = good;
        std::string second = names;
        for (int change = 0; change < 4; ++change) {
            first[random() % first.size()] = static_cast<char>(random() % 256);
            second[random() % second.size()] = static_cast<char>(random() % 256);
        }
        times = directory.write("stat", first);
        models = directory.write("cpuinfo", second);
        auto listed = list();
        ASSERT_TRUE(listed);
        EXPECT_LE(listed.value().size(), 4U);
    }
}

} // namespace
