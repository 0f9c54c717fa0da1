/* What the plain C competitors share: arguments, listening sockets, buffers, failure.
 * Every server takes its port as first argument, binds 127.0.0.1 and lives until SIGTERM. If
 * BENCH_PATH is set, it listens there instead, on a local socket. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    default_echo_buffer = 1024,
    default_bulk_buffer = 1 << 20,
    listen_backlog = 4096,
    cache_line = 64,
};

_Noreturn static inline void fail(const char* what) {
    perror(what);
    exit(1);
}

_Noreturn static inline void fail_with(const char* what, int error) {
    errno = error < 0 ? -error : error;
    fail(what);
}

/* The argument at `index` as a positive number; `fallback` if there is none. */
static inline size_t number_argument(int argc, char** argv, int index, size_t fallback) {
    if (index >= argc) {
        return fallback;
    }
    char* end = NULL;
    unsigned long value = strtoul(argv[index], &end, 10);
    if (end == argv[index] || *end != '\0' || value == 0) {
        fprintf(stderr, "%s: not a positive number: %s\n", argv[0], argv[index]);
        exit(2);
    }
    return value;
}

/* Whether the bulk server whose arguments these are sends ("send") or receives ("receive"). */
static inline bool bulk_sends(int argc, char** argv) {
    if (argc >= 3 && strcmp(argv[2], "send") == 0) {
        return true;
    }
    if (argc >= 3 && strcmp(argv[2], "receive") == 0) {
        return false;
    }
    fprintf(stderr, "usage: %s PORT send|receive [BUFFER]\n", argv[0]);
    exit(2);
}

static inline struct sockaddr_in loopback_address(size_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A listener at a path. */
static inline int listen_at(const char* path, int flags) {
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (listener < 0 || strlen(path) >= sizeof address.sun_path) {
        fail("socket");
    }
    memcpy(address.sun_path, path, strlen(path));
    if (bind(listener, (const struct sockaddr*)&address, sizeof address) < 0 ||
        listen(listener, listen_backlog) < 0) {
        fail("bind");
    }
    return listener;
}

/* A listener on the loopback interface; `flags` may add SOCK_NONBLOCK. Accepted sockets
 * inherit TCP_NODELAY from it, which all competitors set: pieces of a 64 KiB answer would
 * otherwise wait for acknowledgements. */
static inline int listen_on(size_t port, int flags) {
    const char* path = getenv("BENCH_PATH");
    if (path != NULL) {
        return listen_at(path, flags);
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (listener < 0) {
        fail("socket");
    }
    int on = 1;
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
        fail("setsockopt");
    }
    struct sockaddr_in address = loopback_address(port);
    if (bind(listener, (const struct sockaddr*)&address, sizeof address) < 0) {
        fail("bind");
    }
    if (listen(listener, listen_backlog) < 0) {
        fail("listen");
    }
    return listener;
}

/* Zeroed and aligned to a cache line: the kernel copies into a block as malloc places large
 * ones, 16 bytes after a page start, two to three times slower. */
static inline void* allocate(size_t size) {
    size_t rounded = (size + cache_line - 1) / cache_line * cache_line;
    void* block = aligned_alloc(cache_line, rounded);
    if (block == NULL) {
        fail("aligned_alloc");
    }
    memset(block, 0, rounded);
    return block;
}
