#include "io/path_ops.hpp"

#include "io/kernel_call.hpp"

#include <cstdio>

#include <sys/stat.h>
#include <unistd.h>

namespace coring::io {

int link_call::run() const noexcept {
    return kernel_call([this] {
        return kind == link_kind::symbolic ? ::symlink(path, destiny) : ::link(path, destiny);
    });
}

int move_call::run() const noexcept {
    return kernel_call([this] { return ::rename(path, destiny); });
}

int remove_call::run() const noexcept {
    return kernel_call(
        [this] { return kind == remove_kind::directory ? ::rmdir(path) : ::unlink(path); });
}

int make_directory_call::run() const noexcept {
    return kernel_call([this] { return ::mkdir(path, permissions); });
}

} // namespace coring::io
