#include "io/local.hpp"

#include "io/descriptor_inbox.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coring::io {

// Which file a socket made. The path counts from the present directory, as it did for bind.
struct bound_path {
    dev_t device;
    ino_t inode;
    char path[sizeof(sockaddr_un::sun_path) + 1];
};

namespace {

constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr mode_t all_bits = 07777;
constexpr mode_t everybody_reads = S_IRUSR | S_IRGRP | S_IROTH;
constexpr mode_t everybody_writes = S_IWUSR | S_IWGRP | S_IWOTH;

// Where the file is, if it is still the one that the socket made.
bool still_there(const bound_path& made, struct stat& found) noexcept {
    return ::lstat(made.path, &found) == 0 && found.st_dev == made.device &&
           found.st_ino == made.inode;
}

base::result<struct stat> file_of(const local_socket& bound) noexcept {
    if (bound.fd < 0) {
        return base::failure{EBADF};
    }

    struct stat found {};

    if (bound.bound == nullptr) {
        return base::failure{EINVAL};
    }
    if (::lstat(bound.bound->path, &found) != 0) {
        return base::failure{errno};
    }
    return found;
}

} // namespace

base::result<local_name> local_name::from(std::string_view text) noexcept {
    const bool is_abstract = !text.empty() && text.front() == '\0';
    if (!is_abstract) {
        text = text.substr(0, text.find('\0'));
    }
    if (text.empty()) {
        return base::failure{EINVAL};
    }
    if (text.size() > longest_path) {
        return base::failure{ENAMETOOLONG};
    }
    local_name name;
    name.address_.sun_family = AF_UNIX;
    std::memcpy(name.address_.sun_path, text.data(), text.size());
    const std::size_t terminator = is_abstract ? 0 : 1;
    name.size_ = static_cast<socklen_t>(path_offset + text.size() + terminator);
    return name;
}

std::string_view local_name::text() const noexcept {
    if (size_ <= path_offset) {
        return {};
    }
    const std::size_t room = std::min<std::size_t>(size_, sizeof address_) - path_offset;
    const char* path = address_.sun_path;
    return {path, path[0] == '\0' ? room : ::strnlen(path, room)};
}

base::result<void> bind_local(local_socket& unbound, const local_name& to) noexcept {
    if (unbound.fd >= 0) {
        return base::failure{EINVAL};
    }
    auto* made = static_cast<bound_path*>(std::malloc(sizeof(bound_path)));
    if (made == nullptr) {
        return base::failure{ENOMEM};
    }
    auto opened = open_socket(unbound);
    if (opened && ::bind(unbound.fd, to.native(), to.native_size()) != 0) {
        // A path into nowhere is told like a path that is not ours to write (behaviour 7.3).
        opened = base::failure{errno == ENOENT ? EACCES : errno};
        ::close(std::exchange(unbound.fd, -1));
    }
    unbound.was_bound = opened.has_value();
    const std::string_view path = to.text();

    struct stat found {};

    if (opened && path.front() != '\0') {
        std::memcpy(made->path, path.data(), path.size());
        made->path[path.size()] = '\0';
        if (::lstat(made->path, &found) == 0) {
            made->device = found.st_dev;
            made->inode = found.st_ino;
            unbound.bound = std::exchange(made, nullptr);
        }
    }
    std::free(made);
    return opened;
}

base::result<void>
local_address(const local_socket& of, site which, local_name& into) noexcept {
    if (of.fd < 0) {
        return base::failure{EBADF};
    }
    socklen_t size = local_name::native_room;
    const int failed = which == site::self ? ::getsockname(of.fd, into.native(), &size)
                                           : ::getpeername(of.fd, into.native(), &size);
    if (failed != 0) {
        return base::failure{errno};
    }
    into.set_native_size(size);
    return {};
}

base::result<void> permit(const local_socket& bound, permission added) noexcept {
    auto found = file_of(bound);
    if (!found) {
        return base::failure{found.error()};
    }
    if (!added.read && !added.write) {
        return base::failure{EINVAL};
    }
    const mode_t more =
        (added.read ? everybody_reads : 0) | (added.write ? everybody_writes : 0);
    if (::chmod(bound.bound->path, (found.value().st_mode & all_bits) | more) != 0) {
        return base::failure{errno};
    }
    return {};
}

base::result<permission> permitted(const local_socket& bound) noexcept {
    auto found = file_of(bound);
    if (!found) {
        return base::failure{found.error()};
    }
    const mode_t mode = found.value().st_mode;
    return permission{(mode & everybody_reads) == everybody_reads,
                      (mode & everybody_writes) == everybody_writes};
}

void remove_traces(local_socket& closing) noexcept {
    if (closing.connecting != nullptr) {
        closing.connecting->result = -ECANCELED;
        closing.on->cancel_ready(*closing.connecting);
        closing.on->detach_from_object(*closing.connecting);
    }

    struct stat found {};

    if (closing.bound != nullptr && still_there(*closing.bound, found)) {
        static_cast<void>(::unlink(closing.bound->path));
    }
    forget_traces(closing);
}

void forget_traces(local_socket& inherited) noexcept {
    std::free(std::exchange(inherited.bound, nullptr));
    close_inbox(inherited);
}

} // namespace coring::io
