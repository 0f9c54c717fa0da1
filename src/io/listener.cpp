#include "io/listener.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

namespace coring::io {

base::result<void> listen_on(listener& of, int backlog) noexcept {
    if (of.bind_failed) {
        return base::failure{EADDRINUSE};
    }
    const int flags = ::fcntl(of.fd, F_GETFL);
    if (flags < 0 || ::fcntl(of.fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::listen(of.fd, backlog) != 0) {
        return base::failure{errno};
    }
    of.listening = true;
    return {};
}

op::operation* close_listener(listener& open) noexcept {
    op::operation* acceptor = std::exchange(open.reader, nullptr);
    if (acceptor != nullptr && acceptor->at == op::state::delivering) {
        acceptor = nullptr; // it is running already, and will see that the socket is closed
    }
    if (acceptor != nullptr) {
        open.on->pull(*acceptor, -ECANCELED);
    }
    close_descriptor(open);
    open.listening = false;
    return acceptor;
}

void drop_listener(listener& open) noexcept {
    if (op::operation* acceptor = close_listener(open); acceptor != nullptr) {
        acceptor->drop_ready();
        open.on->conclude(*acceptor);
    }
}

} // namespace coring::io
