#include "io/file_kind.hpp"

#include "reactor/poller.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace coring::io {

namespace {

constexpr std::uint32_t xfs_magic = 0x58465342; // these have no name in linux/magic.h
constexpr std::uint32_t zfs_magic = 0x2fc12fc1;
constexpr std::uint32_t bcachefs_magic = 0xca451a4e;

// File systems whose open and close are calls within the kernel. A list of those that are not
// (network, FUSE) could never be complete.
constexpr std::array<std::uint32_t, 13> local_systems = {
    EXT4_SUPER_MAGIC,     xfs_magic,         BTRFS_SUPER_MAGIC,
    TMPFS_MAGIC,          RAMFS_MAGIC,       OVERLAYFS_SUPER_MAGIC,
    F2FS_SUPER_MAGIC,     zfs_magic,         bcachefs_magic,
    SQUASHFS_MAGIC,       ISOFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC,
    EROFS_SUPER_MAGIC_V1,
};

// An entry of the table: the device in the upper half, what is known in the lower one. Zero is
// an empty place. Anonymous device numbers are used again after an unmount: an entry may then
// tell of the file system that was there before, until a worker opens a file of the new one.
constexpr std::uint64_t is_known = 1;
constexpr std::uint64_t is_local = 2;
constexpr std::uint64_t is_in_memory = 4;

constexpr std::size_t places = 32;
std::array<std::atomic<std::uint64_t>, places> table{};

std::uint32_t device_of(unsigned major, unsigned minor) noexcept {
    return (major << 20) ^ minor;
}

std::atomic<std::uint64_t>& place_of(std::uint32_t device) noexcept {
    return table[(device * 2654435761U) >> 27]; // 32 places: the upper five bits
}

void learn(std::uint32_t device, std::uint32_t magic) noexcept {
    const bool local = std::ranges::find(local_systems, magic) != local_systems.end();
    const bool in_memory = magic == TMPFS_MAGIC || magic == RAMFS_MAGIC;
    const std::uint64_t facts =
        is_known | (local ? is_local : 0) | (in_memory ? is_in_memory : 0);
    place_of(device).store((std::uint64_t{device} << 32) | facts, std::memory_order_relaxed);
}

// Whether the device can be polled; only asking tells.
bool is_pollable(int fd) noexcept {
    reactor::poller asked;
    return asked.open() && asked.add(fd, EPOLLIN, nullptr) == 0;
}

} // namespace

known_file_system known_device(unsigned major, unsigned minor) noexcept {
    const std::uint32_t device = device_of(major, minor);
    const std::uint64_t entry = place_of(device).load(std::memory_order_relaxed);
    if ((entry & is_known) == 0 || entry >> 32 != device) {
        return {};
    }
    return {true, (entry & is_local) != 0, (entry & is_in_memory) != 0};
}

void learn_device_of(int fd) noexcept {
    struct stat status {};

    struct statfs system {};

    if (::fstat(fd, &status) == 0 && ::fstatfs(fd, &system) == 0) {
        learn(device_of(::major(status.st_dev), ::minor(status.st_dev)),
              static_cast<std::uint32_t>(system.f_type));
    }
}

file_traits look_closely(int fd) noexcept {
    file_traits found;

    struct stat status {};

    if (::fstat(fd, &status) != 0) {
        return found;
    }
    if (S_ISFIFO(status.st_mode) || (S_ISCHR(status.st_mode) && is_pollable(fd))) {
        found.kind = file_kind::flowing;
        return found;
    }

    struct statfs system {};

    if (::fstatfs(fd, &system) != 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))) {
        return found;
    }
    const unsigned major = ::major(status.st_dev);
    const unsigned minor = ::minor(status.st_dev);
    learn(device_of(major, minor), static_cast<std::uint32_t>(system.f_type));
    const known_file_system known = known_device(major, minor);
    found.local = known.local;
    found.in_memory = known.in_memory;
    return found;
}

} // namespace coring::io
