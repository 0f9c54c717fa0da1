// Descriptors that are readable when a test says so.
#pragma once

#include "base/unique_fd.hpp"

#include <array>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace coring::support {

// A pipe, non-blocking on both sides.
struct pipe_ends {
    base::unique_fd out; // where bytes come out
    base::unique_fd in;

    pipe_ends() {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
        out.reset(ends[0]);
        in.reset(ends[1]);
    }

    void put() const { EXPECT_EQ(::write(in.get(), "x", 1), 1); }

    void take() const {
        char byte = 0;
        EXPECT_EQ(::read(out.get(), &byte, 1), 1);
    }
};

} // namespace coring::support
