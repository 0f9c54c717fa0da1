/* What the epoll competitors share: the set, its events, accepting, and the turn. */
#pragma once

#include "common.h"

#include <sys/epoll.h>

enum { poll_batch = 1024 };

/* The first member of every connection of an epoll server. */
struct watched {
    int descriptor;
    bool wants_write; /* whether the set also reports writability */
};

static inline int poll_open(int listener) {
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0) {
        fail("epoll_create1");
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(set, EPOLL_CTL_ADD, listener, &event) < 0) {
        fail("epoll_ctl");
    }
    return set;
}

static inline void poll_watch(int set, struct watched* watched) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watched};
    if (epoll_ctl(set, EPOLL_CTL_ADD, watched->descriptor, &event) < 0) {
        fail("epoll_ctl");
    }
}

/* Reports writability instead of readability, or the other way round. */
static inline void poll_want_write(int set, struct watched* watched, bool wanted) {
    if (watched->wants_write == wanted) {
        return;
    }
    watched->wants_write = wanted;
    struct epoll_event event = {.events = wanted ? EPOLLOUT : EPOLLIN, .data.ptr = watched};
    if (epoll_ctl(set, EPOLL_CTL_MOD, watched->descriptor, &event) < 0) {
        fail("epoll_ctl");
    }
}

/* Runs turns for ever. `accepted` gets a new non-blocking socket, `ready` a connection (whose
 * first member is what is watched). */
_Noreturn static inline void
poll_run(int set, int listener, void (*accepted)(int, int), void (*ready)(int, void*)) {
    static struct epoll_event events[poll_batch];
    for (;;) {
        int count = epoll_wait(set, events, poll_batch, -1);
        if (count < 0 && errno != EINTR) {
            fail("epoll_wait");
        }
        for (int i = 0; i < count; ++i) {
            if (events[i].data.ptr != NULL) {
                ready(set, events[i].data.ptr);
                continue;
            }
            int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor >= 0) {
                accepted(set, descriptor);
            }
        }
    }
}

/* Whether a failed non-blocking call only has to be tried again later. */
static inline bool would_block(void) {
    return errno == EAGAIN || errno == EINTR;
}
