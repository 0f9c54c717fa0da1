// Goal: what the engine believes about descriptors it did not open, about connecting and
// opening (decisions 19, 21, 22). Method: plain calls, and the ring where the difference
// counts.
#include "kernel/mini_ring.hpp"
#include "kernel/sockets.hpp"

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

namespace {

using namespace coring::kernel; // NOLINT(google-build-using-namespace)

socket_pair make_pipe() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

// One byte without waiting, at the descriptor's own position.
ssize_t read_now(int fd, char& byte) {
    const iovec range{&byte, 1};
    return ::preadv2(fd, &range, 1, -1, RWF_NOWAIT);
}

ssize_t write_now(int fd) {
    char byte = 'x';
    const iovec range{&byte, 1};
    return ::pwritev2(fd, &range, 1, -1, RWF_NOWAIT);
}

std::string own_path(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

TEST(descriptor_fact, a_blocking_pipe_can_be_tried_without_waiting) {
    const socket_pair pipe = make_pipe();
    char byte = 0;
    EXPECT_EQ(read_now(pipe.left.get(), byte), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(write_now(pipe.right.get()), 1);
    EXPECT_EQ(read_now(pipe.left.get(), byte), 1);
    EXPECT_EQ(byte, 'x');
    ASSERT_EQ(::fcntl(pipe.right.get(), F_SETPIPE_SZ, 4096), 4096);
    while (write_now(pipe.right.get()) == 1) {
    }
    EXPECT_EQ(errno, EAGAIN);
}

TEST(descriptor_fact, a_terminal_cannot_be_tried_without_waiting) {
    const unique_fd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!master.valid()) {
        GTEST_SKIP() << "no pseudo terminals here, errno " << errno;
    }
    char byte = 0;
    EXPECT_EQ(read_now(master.get(), byte), -1);
    EXPECT_EQ(errno, EOPNOTSUPP);
    EXPECT_EQ(write_now(master.get()), -1);
    EXPECT_EQ(errno, EOPNOTSUPP);
}

TEST(descriptor_fact, a_pipe_can_be_reopened_with_flags_of_its_own) {
    const socket_pair pipe = make_pipe();
    const unique_fd again{
        ::open(own_path(pipe.left.get()).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    ASSERT_TRUE(again.valid());
    EXPECT_EQ(::fcntl(pipe.left.get(), F_GETFL) & O_NONBLOCK, 0);
    ASSERT_EQ(::write(pipe.right.get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(again.get(), &byte, 1), 1);
    EXPECT_EQ(::read(again.get(), &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST(descriptor_fact, a_socket_cannot_be_reopened) {
    const socket_pair pair = local_pair();
    EXPECT_EQ(::open(own_path(pair.left.get()).c_str(), O_RDWR | O_CLOEXEC), -1);
    EXPECT_EQ(errno, ENXIO);
}

TEST(connect_fact, a_local_socket_with_a_full_backlog_refuses_a_non_blocking_connect_for_now) {
    const unique_fd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX; // no name given: the kernel picks an abstract one
    ASSERT_EQ(::bind(listener.get(), static_cast<sockaddr*>(static_cast<void*>(&address)),
                     sizeof(sa_family_t)),
              0);
    socklen_t size = sizeof address;
    auto* const name = static_cast<sockaddr*>(static_cast<void*>(&address));
    ASSERT_EQ(::getsockname(listener.get(), name, &size), 0);
    ASSERT_EQ(::listen(listener.get(), 0), 0);
    std::vector<unique_fd> clients;
    int error = 0;
    for (int at = 0; at < 10 && error == 0; ++at) {
        clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        error = ::connect(clients.back().get(), name, size) == 0 ? 0 : errno;
    }
    EXPECT_EQ(error, EAGAIN);
}

TEST(connect_fact, a_tcp_connect_that_does_not_wait_becomes_writable_and_says_how_it_went) {
    for (int refused = 0; refused < 2; ++refused) {
        unique_fd listener = tcp_listener();
        const std::uint16_t port = port_of(listener);
        if (refused == 1) {
            listener.reset();
        }
        const unique_fd client = tcp_socket(SOCK_NONBLOCK);
        int error = connect_to(client, port);
        if (error == EINPROGRESS) {
            EXPECT_NE(events_of(client.get(), POLLOUT, -1) & POLLOUT, 0);
            socklen_t size = sizeof error;
            ASSERT_EQ(::getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &size), 0);
        }
        EXPECT_EQ(error, refused == 1 ? ECONNREFUSED : 0);
    }
}

// A FIFO in a directory of its own.
class open_fact : public ring_fact {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "coring-fifo-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        fifo_ = directory_ + "/fifo";
        ASSERT_EQ(::mkfifo(fifo_.c_str(), 0600), 0);
        ring_fact::SetUp();
    }

    void TearDown() override {
        ::unlink(fifo_.c_str());
        ::rmdir(directory_.c_str());
    }

    int opened_by_ring(unsigned flags) {
        io_uring_sqe& entry = ring.add(IORING_OP_OPENAT, AT_FDCWD, 7);
        entry.addr = reinterpret_cast<std::uintptr_t>(fifo_.c_str());
        entry.open_flags = flags | O_CLOEXEC;
        EXPECT_EQ(ring.submit(), 1);
        return ring.wait().result;
    }

    std::string directory_;
    std::string fifo_;
};

TEST_F(open_fact, the_ring_opens_a_fifo_for_reading_although_nobody_writes) {
    const unique_fd opened{opened_by_ring(O_RDONLY)};
    EXPECT_TRUE(opened.valid());
}

TEST_F(open_fact, the_ring_fails_to_open_a_fifo_for_writing_if_nobody_reads) {
    EXPECT_EQ(opened_by_ring(O_WRONLY), -ENXIO);
}

void nothing(int /*signal*/) {}

// That it blocks shows in that a signal ends it: EINTR is an answer of calls that wait.
TEST_F(open_fact, an_open_from_caches_only_blocks_on_a_fifo) {
    struct sigaction action {};

    struct sigaction before {};

    action.sa_handler = nothing; // and no SA_RESTART
    ASSERT_EQ(::sigaction(SIGUSR2, &action, &before), 0);
    std::atomic<bool> done{false};
    int error = 0;
    std::thread opener{[&] {
        open_how how{};
        how.flags = O_RDONLY | O_CLOEXEC;
        how.resolve = RESOLVE_CACHED;
        do { // the caches may need to be told first
            const long fd = ::syscall(SYS_openat2, AT_FDCWD, fifo_.c_str(), &how, sizeof how);
            error = fd < 0 ? errno : 0;
        } while (error == EAGAIN && ::access(fifo_.c_str(), F_OK) == 0);
        done = true;
    }};
    while (!done) {
        ::pthread_kill(opener.native_handle(), SIGUSR2);
        ::usleep(100); // NOLINT(concurrency-mt-unsafe): give it time to get there
    }
    opener.join();
    ASSERT_EQ(::sigaction(SIGUSR2, &before, nullptr), 0);
    EXPECT_EQ(error, EINTR);
}

} // namespace
