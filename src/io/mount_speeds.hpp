// Which mounts answer questions about their files from memory. Asking others may mean waiting
// for a server, or for a file system that is a process, perhaps this one.
#pragma once

#include <cstdint>

#include <sys/stat.h>

namespace coring::io {

enum class mount_speed : std::uint8_t { unknown, quick, slow };

// What names a mount. The kernel counts mounts without ever using a number twice since 6.8;
// before that, what is known of a name may have become untrue.
struct mount_name {
    std::uint64_t number = 0; // zero: the kernel told nothing
    bool unique = false;
};

// To be added to what statx(2) is asked for.
inline constexpr unsigned mount_fields = 0x00001000U | 0x00004000U; // the id, the unique id

[[nodiscard]] mount_name mount_of(const struct statx& answer) noexcept;

// Any thread.
[[nodiscard]] mount_speed speed_of(const mount_name& mount) noexcept;

// Finds out about the mount of a file by asking the file system what it is, which may block.
// Any thread.
void learn_mount(int fd, const mount_name& mount) noexcept;

} // namespace coring::io
