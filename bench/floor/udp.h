/* What the datagram competitors share: the socket, the mode, and the protocol of
 * bench/README.md: a receiver answers every so many datagrams with their count. */
#pragma once

#include "common.h"

enum { datagram_buffer = 2048, datagrams_per_answer = 32 };

static inline bool udp_echoes(int argc, char** argv) {
    if (argc >= 3 && strcmp(argv[2], "echo") == 0) {
        return true;
    }
    if (argc >= 3 && strcmp(argv[2], "receive") == 0) {
        return false;
    }
    fprintf(stderr, "usage: %s PORT echo|receive\n", argv[0]);
    exit(2);
}

static inline int udp_open(size_t port, int flags) {
    int made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
    if (made < 0) {
        fail("socket");
    }
    struct sockaddr_in address = loopback_address(port);
    if (bind(made, (const struct sockaddr*)&address, sizeof address) < 0) {
        fail("bind");
    }
    return made;
}
