/* What the libuv competitors share: the listener, accepting, closing, and answering checks. */
#pragma once

#include "common.h"

#include <uv.h>

static inline void check_uv(const char* what, int result) {
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

/* Starts listening on the default loop and runs it for ever. */
static inline int serve_uv(size_t port, uv_connection_cb accepted) {
    static uv_tcp_t listener;
    struct sockaddr_in address = loopback_address(port);
    check_uv("uv_tcp_init", uv_tcp_init(uv_default_loop(), &listener));
    check_uv("uv_tcp_bind", uv_tcp_bind(&listener, (const struct sockaddr*)&address, 0));
    check_uv("uv_listen", uv_listen((uv_stream_t*)&listener, listen_backlog, accepted));
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

/* Takes the pending connection of `listener`; false after a failure, with `tcp` closing. */
static inline bool accept_uv(uv_stream_t* listener, uv_tcp_t* tcp, uv_close_cb closed) {
    check_uv("uv_tcp_init", uv_tcp_init(uv_default_loop(), tcp));
    if (uv_accept(listener, (uv_stream_t*)tcp) < 0 || uv_tcp_nodelay(tcp, 1) < 0) {
        uv_close((uv_handle_t*)tcp, closed);
        return false;
    }
    return true;
}
