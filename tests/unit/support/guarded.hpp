// What every test that opens descriptors or waits for something stands on: a fixture that
// counts descriptors and bounds the time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>

#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace coring::support {

// Open descriptors of this process, as /proc/self/fd lists them.
inline std::size_t open_descriptors() {
    DIR* directory = ::opendir("/proc/self/fd");
    EXPECT_NE(directory, nullptr);
    std::size_t count = 0;
    while (directory != nullptr && ::readdir(directory) != nullptr) {
        ++count;
    }
    ::closedir(directory);
    return count;
}

// A test that hangs ends the program and says its name; ctest then shows a failure, not a
// timeout.
inline void give_up(int) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::array<char, 256> text{};
    const int size = std::snprintf(text.data(), text.size(), "watchdog: %s.%s hangs\n",
                                   test->test_suite_name(), test->name());
    static_cast<void>(::write(STDERR_FILENO, text.data(), static_cast<std::size_t>(size)));
    ::_exit(99);
}

// Descriptors are back at their number when a test ends, whatever happened in it.
class guarded : public ::testing::Test {
protected:
    static constexpr unsigned longest_test_s = 60;

    guarded() {
        ::signal(SIGALRM, give_up);
        ::alarm(longest_test_s);
    }

    // Runs after the derived fixture's members are gone, when its destructor has closed them.
    ~guarded() override {
        ::alarm(0);
        EXPECT_EQ(open_descriptors(), baseline_) << "descriptors were left open";
    }

    guarded(const guarded&) = delete;
    guarded& operator=(const guarded&) = delete;
    guarded(guarded&&) = delete;
    guarded& operator=(guarded&&) = delete;

    // Something keeps descriptors for good.
    void expect_more(std::size_t count) { baseline_ += count; }

private:
    std::size_t baseline_ = open_descriptors();
};

} // namespace coring::support
