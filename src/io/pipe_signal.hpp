// Writing to a FIFO nobody reads any more raises SIGPIPE, which would end the process. Its
// disposition is the host's affair, so the signal is kept from this thread for the call.
#pragma once

#include <csignal>
#include <ctime>

namespace coring::io {

// Blocks SIGPIPE on this thread while it lives, and swallows the one that was raised meanwhile.
class no_pipe_signal {
public:
    no_pipe_signal() noexcept {
        sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::sigemptyset(&only_pipe_);
        ::sigaddset(&only_pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &only_pipe_, &before_);
    }

    no_pipe_signal(const no_pipe_signal&) = delete;
    no_pipe_signal& operator=(const no_pipe_signal&) = delete;
    no_pipe_signal(no_pipe_signal&&) = delete;
    no_pipe_signal& operator=(no_pipe_signal&&) = delete;

    ~no_pipe_signal() {
        if (!was_pending_) {
            constexpr timespec at_once{0, 0};
            while (::sigtimedwait(&only_pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t only_pipe_{};
    sigset_t before_{};
    bool was_pending_ = false;
};

} // namespace coring::io
