#include "lua/file_system_names.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace coring::lua {

namespace {

struct named_magic {
    std::uint32_t magic;
    const char* name;
};

// Sorted by number.
constexpr auto names = std::to_array<named_magic>({
    {0x0000002f, "qnx4"},      {0x00000187, "autofs"},     {0x0000137f, "minix"},
    {0x0000138f, "minix+"},    {0x00001cd1, "devpts"},     {0x00002468, "minix2"},
    {0x00002478, "minix2+"},   {0x00003434, "nilfs"},      {0x00004d44, "msdos"},
    {0x00004d5a, "minix3"},    {0x0000517b, "smb"},        {0x0000564c, "ncp"},
    {0x00006969, "nfs"},       {0x000072b6, "jffs2"},      {0x00009660, "isofs"},
    {0x00009fa0, "proc"},      {0x00009fa1, "openprom"},   {0x00009fa2, "usbdevice"},
    {0x0000adf5, "adfs"},      {0x0000adff, "affs"},       {0x0000ef53, "ext4"},
    {0x0000f15f, "ecryptfs"},  {0x0027e0eb, "cgroup"},     {0x00414a53, "efs"},
    {0x00c0ffee, "hostfs"},    {0x01021994, "tmpfs"},      {0x01021997, "v9fs"},
    {0x09041934, "anonymous"}, {0x11307854, "mtd"},        {0x15013346, "udf"},
    {0x28cd3d45, "cramfs"},    {0x42494e4d, "binfmtfs"},   {0x43415d53, "smack"},
    {0x50495045, "pipefs"},    {0x52654973, "reiserfs"},   {0x5346414f, "afs"},
    {0x534f434b, "sockfs"},    {0x58465342, "xfs"},        {0x6165676c, "pstorefs"},
    {0x62646576, "bdevfs"},    {0x62656572, "sysfs"},      {0x63677270, "cgroup2"},
    {0x64626720, "debugfs"},   {0x65735546, "fuse"},       {0x68191122, "qnx6"},
    {0x6e736673, "nsfs"},      {0x73636673, "securityfs"}, {0x73717368, "squashfs"},
    {0x73727279, "btrfs"},     {0x73757245, "coda"},       {0x7461636f, "ocfs2"},
    {0x74726163, "tracefs"},   {0x794c7630, "overlayfs"},  {0x858458f6, "ramfs"},
    {0x9123683e, "btrfs"},     {0x958458f6, "hugetlbfs"},  {0xabba1974, "xenfs"},
    {0xcafe4a11, "bpf"},       {0xde5e81e4, "efivarfs"},   {0xf2f52010, "f2fs"},
    {0xf97cff8c, "selinux"},   {0xf995e849, "hpfs"},       {0xfe534d42, "smb2"},
    {0xff534d42, "cifs"},
});

static_assert(std::ranges::is_sorted(names, std::ranges::less{}, &named_magic::magic));

} // namespace

const char* file_system_name(std::uint32_t magic) noexcept {
    const auto* const found =
        std::ranges::lower_bound(names, magic, std::ranges::less{}, &named_magic::magic);
    return found != names.end() && found->magic == magic ? found->name : "unknown";
}

} // namespace coring::lua
