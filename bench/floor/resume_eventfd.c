/* Two threads that wake each other in turn with eventfds, on which they sleep in epoll_wait as
 * loops do.
 * Arguments: [COUNT]. Prints the time and the CPU of both threads per round trip. */
#include "resume.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct end {
    int event;
    int set;
};

static struct end callee;
static struct end caller;

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static struct end open_end(void) {
    struct end made = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event wanted = {.events = EPOLLIN};
    if (made.event < 0 || made.set < 0 ||
        epoll_ctl(made.set, EPOLL_CTL_ADD, made.event, &wanted) != 0) {
        fail("eventfd");
    }
    return made;
}

static void await(const struct end* at) {
    struct epoll_event came;
    uint64_t knocks = 0;
    if (epoll_wait(at->set, &came, 1, -1) != 1 ||
        read(at->event, &knocks, sizeof knocks) != sizeof knocks) {
        fail("epoll_wait");
    }
}

static void knock(const struct end* at) {
    const uint64_t one = 1;
    if (write(at->event, &one, sizeof one) != sizeof one) {
        fail("write");
    }
}

static void* answer_all(void* unused) {
    for (;;) {
        await(&callee);
        knock(&caller);
    }
    return unused;
}

static void call_many(long count) {
    for (long i = 0; i < count; ++i) {
        knock(&callee);
        await(&caller);
    }
}

int main(int argc, char** argv) {
    pthread_t thread;
    callee = open_end();
    caller = open_end();
    if (pthread_create(&thread, NULL, answer_all, NULL) != 0) {
        fail("thread");
    }
    return measure_calls(argc, argv, call_many);
}
