#include "io/copy_file.hpp"

#include "base/unique_fd.hpp"
#include "io/kernel_call.hpp"
#include "io/pipe_signal.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coring::io {

namespace {

constexpr std::size_t piece_bytes = std::size_t{8} << 20U; // a signal is noticed between two
constexpr std::size_t buffer_bytes = std::size_t{128} << 10U;
constexpr mode_t plain_bits = 0777;
constexpr mode_t all_bits = 07777;

struct freed {
    void operator()(void* block) const noexcept { std::free(block); }
};

struct opened_file {
    base::unique_fd fd;

    struct stat status {};

    [[nodiscard]] bool regular() const noexcept { return S_ISREG(status.st_mode); }
};

bool same_file(const struct stat& left, const struct stat& right) noexcept {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

int open_into(opened_file& file, const char* path, int flags, mode_t permissions) noexcept {
    const int opened =
        kernel_call([&] { return ::open(path, flags | O_CLOEXEC, permissions); });
    if (opened < 0) {
        return opened;
    }
    file.fd.reset(opened);
    return kernel_call([&] { return ::fstat(opened, &file.status); });
}

// --- the bytes ------------------------------------------------------------------------------

// Whether a way to copy is not for these two files, so that a plainer one has to do.
bool is_unsuitable(ssize_t answer) noexcept {
    switch (-answer) {
    case EINVAL:
    case EXDEV:
    case ENOSYS:
    case EOPNOTSUPP:
    case EPERM:
    case ETXTBSY:
        return true;
    default:
        return false;
    }
}

// Repeats the call until it answers zero, which is the end, or a negative errno.
template <typename Piece>
ssize_t repeat(Piece piece, bool& copied) noexcept {
    for (;;) {
        const ssize_t got = kernel_call(piece);
        if (got <= 0) {
            return got;
        }
        copied = true;
    }
}

int write_all(int to, const char* bytes, std::size_t size) noexcept {
    while (size > 0) {
        const ssize_t written = kernel_call([&] { return ::write(to, bytes, size); });
        if (written < 0) {
            return static_cast<int>(written);
        }
        bytes += written;
        size -= static_cast<std::size_t>(written);
    }
    return 0;
}

int copy_through_memory(int from, int to) noexcept {
    const std::unique_ptr<char, freed> buffer{static_cast<char*>(std::malloc(buffer_bytes))};
    if (buffer == nullptr) {
        return -ENOMEM;
    }
    for (;;) {
        const ssize_t got =
            kernel_call([&] { return ::read(from, buffer.get(), buffer_bytes); });
        if (got <= 0) {
            return static_cast<int>(got);
        }
        if (const int failed = write_all(to, buffer.get(), static_cast<std::size_t>(got));
            failed != 0) {
            return failed;
        }
    }
}

// Inside the kernel where that works, each way going on where the one before has stopped. Files
// that the kernel makes up as they are read seem empty to it: those are read.
int copy_bytes(int from, int to) noexcept {
    bool copied = false;
    ssize_t answer = repeat(
        [=] { return ::copy_file_range(from, nullptr, to, nullptr, piece_bytes, 0); }, copied);
    if (is_unsuitable(answer)) {
        answer = repeat([=] { return ::sendfile(to, from, nullptr, piece_bytes); }, copied);
    }
    if (is_unsuitable(answer) || (answer == 0 && !copied)) {
        return copy_through_memory(from, to);
    }
    return static_cast<int>(answer);
}

// --- the destiny ----------------------------------------------------------------------------

// What was half written goes: by the name it was opened with or, through a link, by its own.
void remove_file(const char* path, const opened_file& file) noexcept {
    struct stat found {};

    if (::lstat(path, &found) == 0 && same_file(found, file.status)) {
        ::unlink(path);
        return;
    }
    std::array<char, 32> self{};
    std::array<char, PATH_MAX> name{};
    static_cast<void>(
        std::snprintf(self.data(), self.size(), "/proc/self/fd/%d", file.fd.get()));
    const ssize_t size = ::readlink(self.data(), name.data(), name.size() - 1);
    if (size > 0 && ::lstat(name.data(), &found) == 0 && same_file(found, file.status)) {
        ::unlink(name.data());
    }
}

// Whether the destiny is to be removed if the copy fails.
enum class touched : std::uint8_t { no, yes };

class copier {
public:
    explicit copier(const copy_file_call& asked) noexcept : asked_{asked} {}

    int run() noexcept {
        int failed = open_into(from_, asked_.path, O_RDONLY, 0);
        if (failed == 0 && S_ISDIR(from_.status.st_mode)) {
            failed = -EISDIR;
        }
        if (failed == 0) {
            failed = open_destiny();
        }
        if (failed != 0 || same_file(from_.status, to_.status)) {
            return failed;
        }
        failed = fill();
        if (failed != 0 && touched_ == touched::yes && to_.regular()) {
            remove_file(asked_.destiny, to_);
        }
        return failed;
    }

private:
    [[nodiscard]] mode_t bits(mode_t which) const noexcept {
        return from_.status.st_mode & which;
    }

    int open_destiny() noexcept {
        int failed =
            open_into(to_, asked_.destiny, O_WRONLY | O_CREAT | O_EXCL, bits(plain_bits));
        if (failed == 0) {
            touched_ = touched::yes;
        } else if (failed == -EEXIST && asked_.old == existing::replaced) {
            failed = open_existing();
        }
        return failed;
    }

    // A link that leads nowhere exists, and what it leads to does not.
    int open_existing() noexcept {
        const int failed = open_into(to_, asked_.destiny, O_WRONLY, 0);
        return failed != -ENOENT
                   ? failed
                   : open_into(to_, asked_.destiny, O_WRONLY | O_CREAT, bits(plain_bits));
    }

    // The permissions first: nobody may read the bytes who could not read the original. Those
    // beyond read, write and execute are lost in writing, so they come once more at the end.
    int fill() noexcept {
        if (!to_.regular()) {
            return copy_bytes(from_.fd.get(), to_.fd.get());
        }
        int failed = grant(bits(plain_bits));
        if (failed == 0) {
            failed = replace_bytes();
        }
        if (failed == 0 && bits(all_bits) != bits(plain_bits)) {
            failed = grant(bits(all_bits));
        }
        if (failed != 0 && touched_ == touched::no) {
            static_cast<void>(grant(to_.status.st_mode & all_bits)); // as it was
        }
        return failed;
    }

    [[nodiscard]] int grant(mode_t permissions) const noexcept {
        return kernel_call([&] { return ::fchmod(to_.fd.get(), permissions); });
    }

    int replace_bytes() noexcept {
        if (asked_.clone != cloning::never) {
            const int failed =
                kernel_call([this] { return ::ioctl(to_.fd.get(), FICLONE, from_.fd.get()); });
            if (failed == 0) {
                touched_ = touched::yes;
                return cut(from_.status.st_size); // an older, longer content keeps its tail
            }
            if (asked_.clone == cloning::required) {
                return failed;
            }
        }
        touched_ = touched::yes;
        const int failed = cut(0);
        return failed != 0 ? failed : copy_bytes(from_.fd.get(), to_.fd.get());
    }

    [[nodiscard]] int cut(off_t size) const noexcept {
        return to_.status.st_size <= size
                   ? 0
                   : kernel_call([&] { return ::ftruncate(to_.fd.get(), size); });
    }

    const copy_file_call& asked_;
    opened_file from_;
    opened_file to_;
    touched touched_ = touched::no;
};

} // namespace

int copy_file_call::run() const noexcept {
    const no_pipe_signal quiet; // the destiny may be a FIFO whose reader leaves
    return copier{*this}.run();
}

} // namespace coring::io
