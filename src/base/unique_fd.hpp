// A file descriptor with one owner.
#pragma once

#include <utility>

#include <unistd.h>

namespace coring::base {

// Owns a descriptor and closes it once. An interrupted close is not repeated: the number is
// gone already and may be someone else's (close(2), Linux notes).
class unique_fd {
public:
    unique_fd() noexcept = default;

    explicit unique_fd(int fd) noexcept : fd_{fd} {}

    unique_fd(unique_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) {
            reset(std::exchange(other.fd_, -1));
        }
        return *this;
    }

    unique_fd(const unique_fd&) = delete;
    unique_fd& operator=(const unique_fd&) = delete;

    ~unique_fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }

    [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

    // Gives the descriptor away; the caller closes it.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

} // namespace coring::base
