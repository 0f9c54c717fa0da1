// Goal: what came from elsewhere is taken for what it is, or closed; of several descriptors
// each is returned once, in order, and none is left open. Method: one descriptor of each kind;
// messages with up to 253 of them, sound and unsound in turn.
#include "base/errc.hpp"
#include "io/arrival.hpp"
#include "io/descriptor_inbox.hpp"
#include "io/recv_share.hpp"
#include "io/send_now.hpp"
#include "unit/support/network.hpp"

#include <cstring>

#include <fcntl.h>

namespace {

using namespace coring;
using namespace coring::support;

base::unique_fd opened(int family, int type) {
    base::unique_fd fd{::socket(family, type | SOCK_CLOEXEC, 0)};
    EXPECT_TRUE(fd.valid());
    return fd;
}

class arrival_test : public networked {
protected:
    io::local_socket& receiving(base::unique_fd& fd) {
        io::local_socket& socket = sockets_.emplace_back();
        socket.on = &on.loop;
        io::adopt_descriptor(socket, fd.release());
        socket.in = io::domain::share;
        return socket;
    }

    void TearDown() override {
        for (io::local_socket& each : sockets_) {
            io::remove_traces(each);
            io::drop_stream(each);
        }
        networked::TearDown();
    }

    // One message with these descriptors.
    static void send(const base::unique_fd& to, std::vector<int> fds) {
        std::string room(CMSG_SPACE(fds.size() * sizeof(int)), '\0');
        char byte = 'x';
        iovec part{&byte, 1};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = room.data();
        message.msg_controllen = room.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
        ASSERT_EQ(::sendmsg(to.get(), &message, 0), 1);
    }

    std::array<char, 16> into{};

private:
    std::deque<io::local_socket> sockets_;
};

ON_ALL_ENGINES(arrival_test);

TEST_P(arrival_test, stream_sockets_are_recognized_with_their_domain_and_state) {
    const kernel::socket_pair tcp = kernel::tcp_pair();
    const kernel::socket_pair unix_pair = kernel::local_pair();
    const base::unique_fd listener = kernel::tcp_listener();
    const base::unique_fd six = opened(AF_INET6, SOCK_STREAM);
    EXPECT_EQ(io::recognize(tcp.left.get())->in, io::domain::ipv4);
    EXPECT_TRUE(io::recognize(tcp.left.get())->connected);
    EXPECT_FALSE(io::recognize(tcp.left.get())->listening);
    EXPECT_EQ(io::recognize(unix_pair.left.get())->in, io::domain::local);
    EXPECT_TRUE(io::recognize(listener.get())->listening);
    EXPECT_FALSE(io::recognize(listener.get())->connected);
    EXPECT_EQ(io::recognize(six.get())->in, io::domain::ipv6);
    EXPECT_FALSE(io::recognize(six.get())->connected);
}

TEST_P(arrival_test, nothing_else_is) {
    const base::unique_fd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    EXPECT_FALSE(io::recognize(file.get()));
    EXPECT_FALSE(io::recognize(opened(AF_INET, SOCK_DGRAM).get()));
    EXPECT_FALSE(io::recognize(opened(AF_UNIX, SOCK_DGRAM).get()));
    EXPECT_FALSE(io::recognize(opened(AF_UNIX, SOCK_SEQPACKET).get()));
    EXPECT_FALSE(io::recognize(-1));
}

TEST_P(arrival_test, datagram_sockets_are_recognized_apart) {
    const base::unique_fd stream = opened(AF_INET, SOCK_STREAM);
    const base::unique_fd six = opened(AF_INET6, SOCK_DGRAM);
    EXPECT_FALSE(io::recognize_datagram(stream.get()));
    EXPECT_EQ(io::recognize_datagram(six.get())->in, io::domain::ipv6);
    EXPECT_FALSE(io::recognize_datagram(six.get())->connected);
}

TEST_P(arrival_test, of_many_descriptors_the_sound_ones_come_in_order) {
    kernel::socket_pair carrier = kernel::local_pair();
    io::local_socket& from = receiving(carrier.left);
    const base::unique_fd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const base::unique_fd four = opened(AF_INET, SOCK_STREAM);
    const base::unique_fd six = opened(AF_INET6, SOCK_STREAM);
    std::vector<int> fds;
    for (int at = 0; at < 253; ++at) {
        const std::array<int, 3> choice{file.get(), four.get(), six.get()};
        fds.push_back(choice[static_cast<std::size_t>(at % 3)]);
    }
    send(carrier.right, fds);
    const io::received got = io::recv_share_now(from, into);
    EXPECT_EQ(got.count, 1);
    int fd = got.fd;
    for (int at = 0; at < 253; ++at) {
        if (at % 3 == 0) {
            continue;
        }
        ASSERT_GE(fd, 0);
        EXPECT_EQ(io::recognize(fd)->in, at % 3 == 1 ? io::domain::ipv4 : io::domain::ipv6);
        EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        ::close(fd);
        fd = io::take_descriptor(from);
    }
    EXPECT_LT(fd, 0);
}

TEST_P(arrival_test, what_nobody_takes_is_closed_with_the_socket) {
    kernel::socket_pair carrier = kernel::local_pair();
    io::local_socket& from = receiving(carrier.left);
    const base::unique_fd four = opened(AF_INET, SOCK_STREAM);
    const std::size_t before = open_descriptors();
    send(carrier.right, {four.get(), four.get(), four.get()});
    ::close(io::recv_share_now(from, into).fd);
    EXPECT_EQ(open_descriptors(), before + 2);
    io::close_inbox(from);
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_LT(io::take_descriptor(from), 0);
}

TEST_P(arrival_test, kept_descriptors_of_two_messages_stand_in_line) {
    kernel::socket_pair carrier = kernel::local_pair();
    io::local_socket& from = receiving(carrier.left);
    std::array<int, 4> kept{};
    for (int& fd : kept) {
        fd = opened(AF_INET, SOCK_STREAM).release();
    }
    io::keep_descriptors(from, std::span{kept}.first(1));
    io::keep_descriptors(from, std::span{kept}.subspan(1));
    for (const int fd : kept) {
        EXPECT_EQ(io::take_descriptor(from), fd);
        ::close(fd);
    }
}

TEST_P(arrival_test, what_is_not_connected_is_adopted_as_such) {
    io::local_socket& from = [&]() -> io::local_socket& {
        base::unique_fd carrier = std::move(kernel::local_pair().left);
        return receiving(carrier);
    }();
    EXPECT_EQ(io::recv_share_now(from, into).count, -base::end_of_file);
    endpoint& arrived = closed_stream();
    base::unique_fd listener = kernel::tcp_listener();
    const io::arrival what = *io::recognize(listener.get());
    io::adopt_arrival(arrived, listener.release(), what);
    EXPECT_TRUE(arrived.listening);
    EXPECT_EQ(io::refuses_read(arrived), ENOTCONN);
    EXPECT_EQ(io::refuses_connect(arrived), 0);
    // It is blocking, and nobody connects: this must come back all the same.
    EXPECT_EQ(io::accept_now(arrived), -EAGAIN);
}

} // namespace
