#include "io/descriptor_inbox.hpp"

#include <cstdlib>
#include <utility>

#include <unistd.h>

namespace coring::io {

// One descriptor; the oldest is the first of the chain.
struct descriptor_inbox {
    int fd;
    descriptor_inbox* next;
};

void keep_descriptors(local_socket& of, std::span<const int> arrived) noexcept {
    descriptor_inbox** end = &of.inbox;
    while (*end != nullptr) {
        end = &(*end)->next;
    }
    for (const int fd : arrived) {
        auto* kept = static_cast<descriptor_inbox*>(std::malloc(sizeof(descriptor_inbox)));
        if (kept == nullptr) {
            ::close(fd);
            continue;
        }
        *kept = {fd, nullptr};
        *end = kept;
        end = &kept->next;
    }
}

int take_descriptor(local_socket& from) noexcept {
    if (from.inbox == nullptr) {
        return -1;
    }
    descriptor_inbox* first = from.inbox;
    from.inbox = first->next;
    const int fd = first->fd;
    std::free(first);
    return fd;
}

void close_inbox(local_socket& of) noexcept {
    for (int fd = take_descriptor(of); fd >= 0; fd = take_descriptor(of)) {
        ::close(fd);
    }
}

} // namespace coring::io
