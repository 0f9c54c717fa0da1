// Goal: an entry says to the kernel what the verb said, and nothing is left of the caller's
// types. Method: fill zeroed entries and look at their fields.
#include "proactor/submission.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

namespace {

using coring::proactor::submission;

TEST(submission, a_poll_names_descriptor_and_events_and_fires_once) {
    io_uring_sqe entry{};
    submission{entry}.poll(5, POLLIN | POLLRDHUP);
    EXPECT_EQ(entry.opcode, IORING_OP_POLL_ADD);
    EXPECT_EQ(entry.fd, 5);
    EXPECT_EQ(entry.poll32_events, static_cast<unsigned>(POLLIN | POLLRDHUP));
    EXPECT_EQ(entry.len, 0U); // no IORING_POLL_ADD_MULTI
}

TEST(submission, a_send_names_its_bytes_and_flags) {
    io_uring_sqe entry{};
    const char bytes[] = "bytes";
    submission{entry}.send(6, bytes, 5, MSG_NOSIGNAL);
    EXPECT_EQ(entry.opcode, IORING_OP_SEND);
    EXPECT_EQ(entry.fd, 6);
    EXPECT_EQ(entry.addr, reinterpret_cast<std::uintptr_t>(bytes));
    EXPECT_EQ(entry.len, 5U);
    EXPECT_EQ(entry.msg_flags, static_cast<unsigned>(MSG_NOSIGNAL));
}

TEST(submission, a_read_names_its_room_and_its_offset) {
    io_uring_sqe entry{};
    char room[8];
    submission{entry}.read(7, room, sizeof room, std::int64_t{1} << 40);
    EXPECT_EQ(entry.opcode, IORING_OP_READ);
    EXPECT_EQ(entry.fd, 7);
    EXPECT_EQ(entry.addr, reinterpret_cast<std::uintptr_t>(room));
    EXPECT_EQ(entry.len, sizeof room);
    EXPECT_EQ(entry.off, std::uint64_t{1} << 40);
}

TEST(submission, a_write_names_its_bytes_and_its_offset) {
    io_uring_sqe entry{};
    const char bytes[] = "bytes";
    submission{entry}.write(8, bytes, 5, 100);
    EXPECT_EQ(entry.opcode, IORING_OP_WRITE);
    EXPECT_EQ(entry.fd, 8);
    EXPECT_EQ(entry.addr, reinterpret_cast<std::uintptr_t>(bytes));
    EXPECT_EQ(entry.len, 5U);
    EXPECT_EQ(entry.off, 100U);
}

TEST(submission, a_sync_says_whether_metadata_matter) {
    io_uring_sqe entry{};
    submission{entry}.sync(9, false);
    EXPECT_EQ(entry.opcode, IORING_OP_FSYNC);
    EXPECT_EQ(entry.fd, 9);
    EXPECT_EQ(entry.fsync_flags, 0U);
    submission{entry}.sync(9, true);
    EXPECT_EQ(entry.fsync_flags, IORING_FSYNC_DATASYNC);
}

TEST(submission, user_data_is_whole) {
    io_uring_sqe entry{};
    submission{entry}.set_user_data(UINT64_MAX - 1);
    EXPECT_EQ(entry.user_data, UINT64_MAX - 1);
}

} // namespace
