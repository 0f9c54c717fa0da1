#include "io/mount_speeds.hpp"

#include "io/kernel_call.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include <sys/statfs.h>
#include <sys/sysmacros.h>

namespace coring::io {

namespace {

constexpr unsigned got_id = 0x00001000U;
constexpr unsigned got_unique_id = 0x00004000U;
constexpr std::uint64_t quick_bit = std::uint64_t{1} << 63U;

// File systems whose inodes, once looked up, are in memory or computed.
constexpr auto quick_types = std::to_array<std::uint32_t>({
    0x0000ef53, // ext2, ext3, ext4
    0x58465342, // xfs
    0x9123683e, // btrfs
    0xf2f52010, // f2fs
    0x01021994, // tmpfs
    0x858458f6, // ramfs
    0x794c7630, // overlayfs
    0x73717368, // squashfs
    0x00004d44, // msdos, vfat
    0x00009fa0, // proc
    0x62656572, // sysfs
});

// Mounts that were met, the newest in place of the oldest once it is full. A place is written
// as a whole: a number, and the bit that says quick.
std::array<std::atomic<std::uint64_t>, 64> places{};
std::atomic<unsigned> met{0};

} // namespace

mount_name mount_of(const struct statx& answer) noexcept {
    if ((answer.stx_mask & got_unique_id) != 0) {
        return {answer.stx_mnt_id & ~quick_bit, true};
    }
    if ((answer.stx_mask & got_id) == 0) {
        return {};
    }
    const std::uint64_t device =
        (std::uint64_t{answer.stx_dev_major} << 20U) ^ std::uint64_t{answer.stx_dev_minor};
    return {((answer.stx_mnt_id << 32U) ^ device) & ~quick_bit, false};
}

mount_speed speed_of(const mount_name& mount) noexcept {
    if (mount.number == 0) {
        return mount_speed::unknown;
    }
    for (const auto& place : places) {
        const std::uint64_t known = place.load(std::memory_order_relaxed);
        if ((known & ~quick_bit) == mount.number) {
            return (known & quick_bit) != 0 ? mount_speed::quick : mount_speed::slow;
        }
        if (known == 0) {
            break;
        }
    }
    return mount_speed::unknown;
}

void learn_mount(int fd, const mount_name& mount) noexcept {
    if (mount.number == 0 || speed_of(mount) != mount_speed::unknown) {
        return;
    }

    struct statfs system {};

    if (kernel_call([&] { return ::fstatfs(fd, &system); }) != 0) {
        return;
    }
    const bool quick =
        std::ranges::find(quick_types, static_cast<std::uint32_t>(system.f_type)) !=
        quick_types.end();
    const unsigned at = met.fetch_add(1, std::memory_order_relaxed) % places.size();
    places[at].store(mount.number | (quick ? quick_bit : 0), std::memory_order_relaxed);
}

} // namespace coring::io
