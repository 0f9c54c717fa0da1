// Goal: standard descriptors are taken for what they are, their flags stay as they are, and
// pipes and terminals do what streams do. Method: one descriptor of each kind, on each engine.
#include "base/errc.hpp"
#include "io/standard_stream.hpp"
#include "io/terminal.hpp"
#include "unit/support/network.hpp"
#include "unit/support/pipes.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

namespace {

using namespace coring;
using namespace coring::support;
using io::standard_kind;

base::unique_fd opened(const char* path, int flags) {
    base::unique_fd fd{::open(path, flags | O_NOCTTY | O_CLOEXEC)};
    EXPECT_TRUE(fd.valid());
    return fd;
}

// A pseudo terminal.
struct terminal_ends {
    base::unique_fd master = opened("/dev/ptmx", O_RDWR);
    base::unique_fd slave;

    terminal_ends() {
        EXPECT_EQ(::grantpt(master.get()), 0);
        EXPECT_EQ(::unlockpt(master.get()), 0);
        slave = opened(::ptsname(master.get()), O_RDWR);
    }
};

void make_waiting(const base::unique_fd& fd) {
    ASSERT_EQ(::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK), 0);
}

class standard_stream_test : public networked {
protected:
    // The stream that a program has for this descriptor.
    endpoint& plain(const base::unique_fd& standard) {
        endpoint& made = closed_stream();
        auto own = io::duplicate_standard(standard.get());
        EXPECT_TRUE(own.has_value());
        io::adopt_plain(made, std::move(own.value()));
        return made;
    }
};

ON_ALL_ENGINES(standard_stream_test);

TEST_P(standard_stream_test, each_kind_is_recognized) {
    const pipe_ends pipe;
    const terminal_ends terminal;
    const kernel::socket_pair tcp = kernel::tcp_pair();
    const kernel::socket_pair local = kernel::local_pair();
    const base::unique_fd listener = kernel::tcp_listener();
    const base::unique_fd datagram{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const base::unique_fd packets{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    const base::unique_fd reference = opened("/", O_PATH);
    EXPECT_EQ(io::kind_of_standard(pipe.in.get()), standard_kind::pipe);
    EXPECT_EQ(io::kind_of_standard(pipe.out.get()), standard_kind::pipe);
    EXPECT_EQ(io::kind_of_standard(terminal.slave.get()), standard_kind::terminal);
    EXPECT_EQ(io::kind_of_standard(tcp.left.get()), standard_kind::ip_stream);
    EXPECT_EQ(io::kind_of_standard(listener.get()), standard_kind::ip_stream);
    EXPECT_EQ(io::kind_of_standard(local.left.get()), standard_kind::local_stream);
    EXPECT_EQ(io::kind_of_standard(datagram.get()), standard_kind::datagram);
    EXPECT_EQ(io::kind_of_standard(opened("/dev/null", O_RDONLY).get()), standard_kind::file);
    EXPECT_EQ(io::kind_of_standard(opened("/proc/version", O_RDONLY).get()),
              standard_kind::file);
    EXPECT_EQ(io::kind_of_standard(opened("/", O_RDONLY).get()), standard_kind::none);
    EXPECT_EQ(io::kind_of_standard(reference.get()), standard_kind::none);
    EXPECT_EQ(io::kind_of_standard(packets.get()), standard_kind::none);
    EXPECT_EQ(io::kind_of_standard(-1), standard_kind::none);
}

TEST_P(standard_stream_test, a_pipe_that_waits_is_read_without_waiting) {
    const pipe_ends pipe;
    make_waiting(pipe.out);
    endpoint& from = plain(pipe.out);
    std::array<char, 8> into{};
    EXPECT_EQ(io::recv_now(from, into), -EAGAIN);
    task& reader = read(from);
    on.turn_without_waiting();
    EXPECT_EQ(reader.times, 0);
    pipe.put();
    finish(reader);
    EXPECT_EQ(from.received, "x");
    EXPECT_EQ(::fcntl(pipe.out.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(io::refuses_write(from), EPIPE);
}

TEST_P(standard_stream_test, a_pipe_takes_writes_whole_and_in_order_as_it_is_drained) {
    pipe_ends pipe;
    make_waiting(pipe.in);
    endpoint& to = plain(pipe.in);
    EXPECT_EQ(io::refuses_read(to), ENOTCONN);
    const std::string first = pattern(1 << 20, 1);
    const std::string second = pattern(300000, 2);
    task& one = write(to, first);
    task& two = write(to, second, io::source::moves);
    std::string came;
    std::array<char, 65536> piece{};
    while (came.size() < first.size() + second.size()) {
        on.turn_without_waiting();
        for (ssize_t count = 0;
             (count = ::read(pipe.out.get(), piece.data(), piece.size())) > 0;) {
            came.append(piece.data(), static_cast<std::size_t>(count));
        }
    }
    on.run();
    EXPECT_EQ(one.result, 0);
    EXPECT_EQ(two.result, 0);
    EXPECT_TRUE(same(came, first + second));
    EXPECT_EQ(::fcntl(pipe.in.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(standard_stream_test, a_write_that_waits_hears_that_nobody_reads_any_more) {
    pipe_ends pipe;
    endpoint& to = plain(pipe.in);
    const std::string bytes = pattern(1 << 20);
    task& writer = write(to, bytes);
    on.turn_without_waiting();
    EXPECT_EQ(writer.times, 0);
    pipe.out.reset();
    finish(writer);
    EXPECT_EQ(writer.result, -EPIPE);
}

TEST_P(standard_stream_test, shutting_a_pipe_down_fails_and_changes_nothing) {
    const pipe_ends pipe;
    endpoint& to = plain(pipe.in);
    task& ending = shutdown(to);
    on.turn();
    EXPECT_EQ(ending.result, -ENOTSOCK);
    EXPECT_EQ(io::refuses_write(to), 0);
    task& writer = write(to, "x");
    on.turn();
    EXPECT_EQ(writer.result, 0);
    pipe.take();
}

TEST_P(standard_stream_test, lines_of_a_terminal_are_read_one_by_one) {
    const terminal_ends terminal;
    endpoint& from = closed_stream();
    auto own = io::duplicate_terminal(terminal.slave.get());
    ASSERT_TRUE(own.has_value());
    EXPECT_NE(::fcntl(own.value().get(), F_GETFL) & O_NONBLOCK, 0) << "it is not our own";
    io::adopt_plain(from, std::move(own.value()));
    EXPECT_EQ(::fcntl(terminal.slave.get(), F_GETFL) & O_NONBLOCK, 0);
    ASSERT_EQ(::write(terminal.master.get(), "one\ntwo\n\4", 9), 9);
    for (const char* line : {"one\n", "two\n"}) {
        from.received.clear();
        finish(read(from));
        EXPECT_EQ(from.received, line);
    }
    task& reader = read(from);
    finish(reader);
    EXPECT_EQ(reader.result, -base::end_of_file);
    task& next = read(from);
    on.turn_without_waiting();
    EXPECT_EQ(next.times, 0);
    ASSERT_EQ(::write(terminal.master.get(), "on\n", 3), 3);
    finish(next);
    EXPECT_EQ(next.result, 3);
}

TEST_P(standard_stream_test, the_master_of_a_terminal_is_not_opened_anew) {
    const terminal_ends terminal;
    endpoint& from = closed_stream();
    auto own = io::duplicate_terminal(terminal.master.get());
    ASSERT_TRUE(own.has_value());
    io::adopt_plain(from, std::move(own.value()));
    ASSERT_EQ(::write(terminal.slave.get(), "x", 1), 1);
    finish(read(from));
    EXPECT_EQ(from.received, "x");
}

TEST_P(standard_stream_test, modes_of_a_terminal_are_taken_back_whatever_they_were) {
    const terminal_ends terminal;
    const int fd = terminal.slave.get();
    termios before{};
    termios now{};
    ASSERT_EQ(::tcgetattr(fd, &before), 0);
    for (const auto mode : {io::terminal_mode::raw, io::terminal_mode::binary}) {
        ASSERT_TRUE(io::set_terminal_mode(fd, mode));
        ASSERT_EQ(::tcgetattr(fd, &now), 0);
        EXPECT_EQ(now.c_lflag & (ICANON | ECHO | ISIG), 0U);
        EXPECT_EQ((now.c_oflag & OPOST) != 0, mode == io::terminal_mode::raw);
    }
    ASSERT_TRUE(io::set_terminal_mode(fd, io::terminal_mode::normal));
    ASSERT_EQ(::tcgetattr(fd, &now), 0);
    EXPECT_EQ(now.c_lflag, before.c_lflag);
    EXPECT_EQ(now.c_iflag, before.c_iflag);
    EXPECT_EQ(now.c_oflag, before.c_oflag);
    const pipe_ends pipe;
    EXPECT_EQ(io::set_terminal_mode(pipe.in.get(), io::terminal_mode::raw).error(), ENOTTY);
    EXPECT_EQ(io::terminal_size(pipe.in.get()).error(), ENOTTY);
}

TEST_P(standard_stream_test, closed_places_are_held_and_stay_of_no_use) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(0);
        ::close(2);
        io::hold_standard_places();
        char byte = 0;
        bool held = io::kind_of_standard(0) == standard_kind::none;
        held = held && ::read(0, &byte, 1) < 0 && errno == EBADF;
        held = held && ::write(2, &byte, 1) < 0 && errno == EBADF;
        held = held && ::fcntl(2, F_GETFD) == FD_CLOEXEC && ::fcntl(0, F_GETFD) == FD_CLOEXEC;
        ::_exit(held && ::open("/", O_PATH) > 2 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

} // namespace
