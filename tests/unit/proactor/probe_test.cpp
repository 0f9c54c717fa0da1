// Goal: what the kernel lacks is noticed when the ring is set up, not by a failing operation.
// Method: parameters that lack a feature, and descriptors that are no ring.
#include "proactor/probe.hpp"
#include "unit/support/guarded.hpp"
#include "unit/support/pipes.hpp"

#include <cerrno>
#include <cstring>

#include <sys/syscall.h>

namespace {

using namespace coring;

class probe_test : public support::guarded {
protected:
    io_uring_params params{};
    base::unique_fd fd;

    void SetUp() override {
        params.flags =
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED;
        fd.reset(static_cast<int>(::syscall(SYS_io_uring_setup, 4, &params)));
        if (!fd.valid()) {
            GTEST_SKIP() << "the ring is refused here: " << std::strerror(errno);
        }
    }
};

TEST_F(probe_test, a_kernel_with_all_we_use_passes) {
    EXPECT_TRUE(proactor::probe(fd.get(), params));
    EXPECT_TRUE(proactor::enable(fd.get()));
}

TEST_F(probe_test, a_missing_feature_is_told_as_enosys) {
    for (const unsigned feature :
         {IORING_FEAT_SINGLE_MMAP, IORING_FEAT_NODROP, IORING_FEAT_EXT_ARG}) {
        io_uring_params lacking = params;
        lacking.features &= ~feature;
        const auto checked = proactor::probe(fd.get(), lacking);
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error(), ENOSYS);
    }
}

TEST_F(probe_test, what_is_no_ring_is_refused) {
    const support::pipe_ends pipe;
    EXPECT_FALSE(proactor::probe(pipe.out.get(), params));
    EXPECT_FALSE(proactor::enable(pipe.out.get()));
}

TEST_F(probe_test, a_ring_is_enabled_once) {
    EXPECT_TRUE(proactor::enable(fd.get()));
    EXPECT_FALSE(proactor::enable(fd.get()));
}

} // namespace
