// Goal: names of local sockets are taken to the last byte or refused, never cut; the file that
// a socket bound is removed by it and by nobody else. Method: names of all lengths around the
// limits, with zeros in all places; files that are exchanged while the socket is bound.
#include "io/connect_local.hpp"
#include "io/local.hpp"
#include "unit/support/network.hpp"

#include <string>

#include <fcntl.h>
#include <sys/stat.h>

namespace {

using namespace coring;
using namespace coring::support;
using namespace std::string_literals;

constexpr std::size_t longest = 107;

TEST(local_name_test, a_path_keeps_its_bytes) {
    for (const std::string& text : {"a"s, "/tmp/x"s, " \xff%\n"s, std::string(longest, 'p')}) {
        auto name = io::local_name::from(text);
        ASSERT_TRUE(name);
        EXPECT_EQ(name.value().text(), text);
        EXPECT_EQ(name.value().native_size(),
                  offsetof(sockaddr_un, sun_path) + text.size() + 1);
    }
}

TEST(local_name_test, a_path_ends_at_a_zero) {
    auto name = io::local_name::from("path\0more"s);
    ASSERT_TRUE(name);
    EXPECT_EQ(name.value().text(), "path");
    const std::string covered = "path\0"s + std::string(1000, 'x');
    EXPECT_EQ(io::local_name::from(covered).value().text(), "path");
}

TEST(local_name_test, an_abstract_name_keeps_its_zeros) {
    for (const std::string& text :
         {"\0"s, "\0\0"s, "\0a\0b\0"s, "\0"s + std::string(longest - 1, 'a')}) {
        auto name = io::local_name::from(text);
        ASSERT_TRUE(name);
        EXPECT_EQ(name.value().text(), text);
        EXPECT_EQ(name.value().native_size(), offsetof(sockaddr_un, sun_path) + text.size());
    }
}

TEST(local_name_test, what_is_too_long_is_refused_and_not_cut) {
    for (const std::size_t size : {longest + 1, longest + 2, std::size_t{100'000}}) {
        EXPECT_EQ(io::local_name::from(std::string(size, 'p')).error(), ENAMETOOLONG);
        EXPECT_EQ(io::local_name::from("\0"s + std::string(size - 1, 'a')).error(),
                  ENAMETOOLONG);
    }
}

TEST(local_name_test, no_text_is_no_name) {
    EXPECT_EQ(io::local_name::from("").error(), EINVAL);
    EXPECT_EQ(io::local_name{}.text(), "");
}

TEST(local_name_test, a_name_the_kernel_filled_to_the_brim_is_read_within_its_bounds) {
    io::local_name name;
    auto* address = reinterpret_cast<sockaddr_un*>(name.native());
    std::fill(std::begin(address->sun_path), std::end(address->sun_path), 'x');
    name.set_native_size(sizeof(sockaddr_un) +
                         1); // what Linux says of 108 bytes without a zero
    EXPECT_EQ(name.text(), std::string(sizeof address->sun_path, 'x'));
}

// A socket and a path at which there is nothing.
class local_test : public networked {
protected:
    io::local_socket& made() {
        io::local_socket& socket = sockets_.emplace_back();
        socket.on = &on.loop;
        socket.in = io::domain::local;
        socket.open = true;
        return socket;
    }

    void TearDown() override {
        for (io::local_socket& each : sockets_) {
            close(each);
        }
        ::unlink(path.c_str());
        networked::TearDown();
    }

    static void close(io::local_socket& socket) {
        io::remove_traces(socket);
        if (socket.is_open()) {
            io::drop_stream(socket);
        }
    }

    [[nodiscard]] base::result<void> bind(io::local_socket& socket) const {
        return io::bind_local(socket, io::local_name::from(path).value());
    }

    [[nodiscard]] bool exists() const {
        struct stat found {};

        return ::lstat(path.c_str(), &found) == 0;
    }

    std::string path = "/tmp/coring-unit-" + std::to_string(::getpid());

private:
    std::deque<io::local_socket> sockets_;
};

ON_ALL_ENGINES(local_test);

TEST_P(local_test, the_file_lives_from_bind_to_close) {
    io::local_socket& socket = made();
    ASSERT_TRUE(bind(socket));
    EXPECT_TRUE(exists());
    EXPECT_EQ(bind(socket).error(), EINVAL);
    close(socket);
    EXPECT_FALSE(exists());
}

TEST_P(local_test, a_failed_bind_leaves_the_socket_as_it_was) {
    base::unique_fd other{::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
    io::local_socket& socket = made();
    EXPECT_EQ(bind(socket).error(), EADDRINUSE);
    EXPECT_LT(socket.fd, 0);
    close(socket);
    EXPECT_TRUE(exists());
}

TEST_P(local_test, a_file_in_the_place_of_ours_stays) {
    io::local_socket& socket = made();
    ASSERT_TRUE(bind(socket));
    ::unlink(path.c_str());
    base::unique_fd other{::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
    close(socket);
    EXPECT_TRUE(exists());
}

TEST_P(local_test, a_process_that_inherited_the_socket_leaves_the_file) {
    io::local_socket& socket = made();
    ASSERT_TRUE(bind(socket));
    io::forget_traces(socket);
    close(socket);
    EXPECT_TRUE(exists());
}

TEST_P(local_test, a_connect_that_was_not_told_is_canceled_by_close) {
    io::local_socket& passive = made();
    ASSERT_TRUE(bind(passive));
    ASSERT_TRUE(io::listen_on(passive, 1));
    io::local_socket& socket = made();
    task& who = on.make("connect");
    io::connect_local_start(socket, on.reserve(who, io::connect_local_type),
                            io::local_name::from(path).value());
    EXPECT_EQ(io::refuses_connect(socket), EALREADY);
    close(socket);
    EXPECT_EQ(who.times, 0);
    on.turn_without_waiting();
    EXPECT_EQ(who.result, -ECANCELED);
    EXPECT_EQ(socket.connecting, nullptr);
}

} // namespace
