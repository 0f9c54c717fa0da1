// Sockets of the domains local and share: their names are paths, or abstract names, which begin
// with a zero byte. (Manual: socket:bind, socket:connect, socket:getaddress. Kernel: unix(7).)
#pragma once

#include "io/stream.hpp"

#include <string_view>

#include <sys/un.h>

namespace coring::io {

struct bound_path;
struct descriptor_inbox;

// A stream or a passive socket with what those of these domains need besides.
struct local_socket : stream {
    bound_path* bound = nullptr;         // the file that bind made
    op::operation* connecting = nullptr; // whose result is there and not delivered yet
    descriptor_inbox* inbox = nullptr;   // domain share: what came and was not taken
};

// The name of a socket, as the system's calls want it.
class local_name {
public:
    // Text that begins with a zero byte is an abstract name and counts to its end; other text
    // is a path and ends at a zero byte. Fails with EINVAL when it is empty, with ENAMETOOLONG
    // beyond 107 bytes.
    [[nodiscard]] static base::result<local_name> from(std::string_view text) noexcept;

    [[nodiscard]] const sockaddr* native() const noexcept {
        return reinterpret_cast<const sockaddr*>(&address_);
    }

    [[nodiscard]] sockaddr* native() noexcept { return reinterpret_cast<sockaddr*>(&address_); }

    [[nodiscard]] socklen_t native_size() const noexcept { return size_; }

    void set_native_size(socklen_t size) noexcept { size_ = size; }

    static constexpr socklen_t native_room = sizeof(sockaddr_un);

    // Empty for the unnamed end of a connection.
    [[nodiscard]] std::string_view text() const noexcept;

private:
    sockaddr_un address_{};
    socklen_t size_ = 0;
};

// Creates the descriptor and the file. Fails with EINVAL when there is a descriptor already.
[[nodiscard]] base::result<void> bind_local(local_socket& unbound,
                                            const local_name& to) noexcept;

// Fails with EBADF before there is a descriptor.
[[nodiscard]] base::result<void>
local_address(const local_socket& of, site which, local_name& into) noexcept;

// Who but the owner may use the file of a bound socket.
struct permission {
    bool read;
    bool write;
};

// Adds to what is permitted, for everybody. Fails with EBADF before there is a descriptor, with
// EINVAL when nothing is added or no file was bound.
[[nodiscard]] base::result<void> permit(const local_socket& bound, permission added) noexcept;

// What is permitted to everybody.
[[nodiscard]] base::result<permission> permitted(const local_socket& bound) noexcept;

// The socket is about to be closed: cancels a connect whose coroutine has not heard of it yet,
// removes the file it bound, if that is still the same one, and closes descriptors that nobody
// took.
void remove_traces(local_socket& closing) noexcept;

// The same in a process to which the file does not belong.
void forget_traces(local_socket& inherited) noexcept;

} // namespace coring::io
