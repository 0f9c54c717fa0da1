// Goal: what the engine believes about files (docs/decisions/0019): which calls do not wait,
// and which do. Method: a file on the disk the tests run on, a file in memory, a FIFO.
#include "kernel/mini_ring.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace {

using namespace coring::kernel; // NOLINT(google-build-using-namespace)
using coring::base::unique_fd;

// A path in a directory of its own; both go when the test ends.
class place {
public:
    place() {
        EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
        path_ = directory_ + "/file";
    }

    place(const place&) = delete;
    place& operator=(const place&) = delete;
    place(place&&) = delete;
    place& operator=(place&&) = delete;

    ~place() {
        ::unlink(path_.c_str());
        ::rmdir(directory_.c_str());
    }

    [[nodiscard]] const char* path() const { return path_.c_str(); }

private:
    std::string directory_ = "/tmp/coring_kernel_XXXXXX";
    std::string path_;
};

int open_if_cached(const char* path, int flags) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags);
    how.resolve = RESOLVE_CACHED;
    return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

TEST(file_fact, a_cached_path_is_opened_without_waiting_and_a_missing_one_is_known) {
    const place here;
    { const unique_fd made{::open(here.path(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)}; }
    const unique_fd cached{open_if_cached(here.path(), O_RDONLY | O_CLOEXEC)};
    EXPECT_TRUE(cached.valid());
    const std::string missing = std::string{here.path()} + "_none";

    struct stat status {};

    EXPECT_NE(::stat(missing.c_str(), &status), 0); // now the cache knows that
    EXPECT_EQ(open_if_cached(missing.c_str(), O_RDONLY | O_CLOEXEC), -1);
    EXPECT_EQ(errno, ENOENT);
}

TEST(file_fact, a_look_at_a_fifo_neither_waits_nor_opens_it) {
    const place here;
    ASSERT_EQ(::mkfifo(here.path(), 0600), 0);
    const unique_fd look{open_if_cached(here.path(), O_PATH | O_CLOEXEC)};
    ASSERT_TRUE(look.valid());

    struct statx status {};

    ASSERT_EQ(::statx(look.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status),
              0);
    EXPECT_TRUE(S_ISFIFO(status.stx_mode));
    EXPECT_EQ(::open(here.path(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
    EXPECT_EQ(errno, ENXIO); // nobody reads it
}

TEST(file_fact, a_pipe_is_read_and_written_without_waiting) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const unique_fd from{ends[0]};
    const unique_fd to{ends[1]};
    std::array<char, 4096> bytes{};
    const iovec some{bytes.data(), bytes.size()};
    EXPECT_EQ(::preadv2(from.get(), &some, 1, -1, RWF_NOWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
    ssize_t count = 0;
    while (count >= 0) {
        count = ::pwritev2(to.get(), &some, 1, -1, RWF_NOWAIT);
    }
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(::preadv2(from.get(), &some, 1, -1, RWF_NOWAIT), 4096);
}

// Why a read that stops inside a page is not followed by another.
TEST(file_fact, a_read_that_does_not_wait_ends_with_a_page_or_with_the_file) {
    constexpr int page = 4096;
    const place here;
    const unique_fd file{::open(here.path(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    const std::string one_page(page, 'x');
    for (int at = 0; at < 4; ++at) {
        ASSERT_EQ(::write(file.get(), one_page.data(), page), page);
    }
    ASSERT_EQ(::write(file.get(), one_page.data(), 100), 100);
    ASSERT_EQ(::fsync(file.get()), 0);
    std::array<char, 8 * page> bytes{};
    const iovec some{bytes.data(), bytes.size()};
    const ssize_t whole = ::preadv2(file.get(), &some, 1, 10, RWF_NOWAIT);
    if (whole < 0 && errno == EOPNOTSUPP) {
        GTEST_SKIP() << "the file system has no such reads";
    }
    EXPECT_EQ(whole, 4 * page + 90); // the file ends inside a page
    ASSERT_EQ(::posix_fadvise(file.get(), page, 0, POSIX_FADV_DONTNEED), 0);
    const ssize_t part = ::preadv2(file.get(), &some, 1, 10, RWF_NOWAIT);
    if (part != whole) { // the cache has let go of something
        EXPECT_EQ(part < 0 ? 0 : (10 + part) % page, 0);
    }
}

class file_ring_fact : public ring_fact {};

// Why what goes by position is not for the ring. If this fails, the kernel has learned it.
TEST_F(file_ring_fact, a_write_by_position_that_ends_half_way_does_not_move_the_position) {
    const place here;
    const unique_fd file{::open(here.path(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    const std::string bytes(1000, 'x');
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{300, before.rlim_max};
    const auto old = ::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    io_uring_sqe& entry = ring.add(IORING_OP_WRITE, file.get(), 1);
    entry.addr = reinterpret_cast<std::uintptr_t>(bytes.data());
    entry.len = static_cast<unsigned>(bytes.size());
    entry.off = UINT64_MAX; // the position
    EXPECT_EQ(ring.submit(), 1);
    const int written = ring.wait().result;
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, old);
    EXPECT_EQ(written, 300);
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 0);
}

} // namespace
