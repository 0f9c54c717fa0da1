#include "io/terminal.hpp"

#include "io/kernel_call.hpp"
#include "io/saved_modes.hpp"

#include <cerrno>

#include <sys/ioctl.h>
#include <termios.h>

namespace coring::io {

namespace {

termios changed(const termios& normal, terminal_mode to) noexcept {
    termios made = normal;
    made.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    made.c_iflag &= ~static_cast<tcflag_t>(BRKINT | IGNBRK | PARMRK | INPCK | ISTRIP | INLCR |
                                           IGNCR | ICRNL | IXON);
    made.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB);
    made.c_cflag |= CS8;
    made.c_cc[VMIN] = 1;
    made.c_cc[VTIME] = 0;
    if (to == terminal_mode::binary) {
        made.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    }
    return made;
}

} // namespace

base::result<void> set_terminal_mode(int fd, terminal_mode to) noexcept {
    if (to == terminal_mode::normal) {
        return give_back_modes(fd);
    }
    auto normal = save_modes(fd);
    if (!normal) {
        return base::failure{normal.error()};
    }
    const termios wanted = changed(normal.value(), to);
    const int answer = kernel_call([&] { return ::tcsetattr(fd, TCSADRAIN, &wanted); });
    return answer < 0 ? base::result<void>{base::failure{-answer}} : base::result<void>{};
}

base::result<window_size> terminal_size(int fd) noexcept {
    winsize found{};
    if (::ioctl(fd, TIOCGWINSZ, &found) != 0) {
        return base::failure{errno};
    }
    return window_size{found.ws_col, found.ws_row};
}

} // namespace coring::io
