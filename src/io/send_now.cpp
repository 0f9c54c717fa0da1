#include "io/send_now.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>

#include <sys/socket.h>

namespace coring::io {

namespace {

constexpr std::size_t cache_line = 64;
constexpr std::size_t worth_aligning = 65536;
constexpr int never_waits = MSG_DONTWAIT | MSG_NOSIGNAL;

int send_now(int fd, std::string_view bytes, int flags) noexcept {
    const std::size_t size = std::min(bytes.size(), most_at_once);
    ssize_t count = -1;
    do {
        count = ::send(fd, bytes.data(), size, never_waits | flags);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : static_cast<int>(count);
}

int send_message_now(int fd, const msghdr& message) noexcept {
    ssize_t count = -1;
    do {
        count = ::sendmsg(fd, &message, never_waits);
    } while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : static_cast<int>(count);
}

} // namespace

std::size_t bytes_ahead(std::string_view bytes) noexcept {
    const auto place = reinterpret_cast<std::uintptr_t>(bytes.data());
    return bytes.size() < worth_aligning ? 0 : -place % cache_line;
}

int send_aligned_now(int fd, std::string_view bytes) noexcept {
    const std::size_t ahead = bytes_ahead(bytes);
    if (ahead == 0) {
        return send_now(fd, bytes, 0);
    }
    const int first = send_now(fd, bytes.substr(0, ahead), MSG_MORE);
    if (first < static_cast<int>(ahead)) {
        return first;
    }
    const int rest = send_now(fd, bytes.substr(ahead), 0);
    return rest < 0 ? first : first + rest;
}

int send_gathered_now(int fd, std::span<const iovec> parts) noexcept {
    // As many parts as one call takes; what else there is, is the caller's to see to.
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data()); // NOLINT: not written to
    message.msg_iovlen = std::min<std::size_t>(parts.size(), IOV_MAX);
    return send_message_now(fd, message);
}

int send_passing_now(int fd, std::string_view bytes, int passed) noexcept {
    iovec part{const_cast<char*>(bytes.data()), // NOLINT: not written to
               std::min(bytes.size(), most_at_once)};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof passed);
    std::memcpy(CMSG_DATA(header), &passed, sizeof passed);
    return send_message_now(fd, message);
}

} // namespace coring::io
