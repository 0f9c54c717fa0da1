/* What the ring competitors share: the setup of the ring and of its entries, and the turn.
 * One kernel entry per turn hands over all new entries, waits and fetches completions. */
#pragma once

#include "common.h"

#include <liburing.h>

enum { ring_entries = 4096 };

/* A completion names its connection and, in the low bits of that pointer, what was done. */
enum verb { verb_accept, verb_receive, verb_send, verb_mask = 7 };

static inline void ring_open(struct io_uring* ring) {
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP,
        .cq_entries = 4 * ring_entries,
    };
    int result = io_uring_queue_init_params(ring_entries, ring, &params);
    if (result < 0) {
        fail_with("io_uring_queue_init_params", result);
    }
    result = io_uring_register_ring_fd(ring);
    if (result < 0) {
        fail_with("io_uring_register_ring_fd", result);
    }
}

static inline struct io_uring_sqe* ring_entry(struct io_uring* ring) {
    struct io_uring_sqe* entry = io_uring_get_sqe(ring);
    if (entry == NULL) {
        int result = io_uring_submit(ring);
        if (result < 0) {
            fail_with("io_uring_submit", result);
        }
        entry = io_uring_get_sqe(ring);
    }
    if (entry == NULL) {
        fail_with("io_uring_get_sqe", EBUSY);
    }
    return entry;
}

static inline void ring_tag(struct io_uring_sqe* entry, const void* owner, enum verb verb) {
    io_uring_sqe_set_data64(entry, (uint64_t)(uintptr_t)owner | (uint64_t)verb);
}

static inline enum verb tag_verb(const struct io_uring_cqe* completion) {
    return (enum verb)(completion->user_data & verb_mask);
}

static inline void* tag_owner(const struct io_uring_cqe* completion) {
    return (void*)(uintptr_t)(completion->user_data & ~(uint64_t)verb_mask);
}

static inline void ring_accept(struct io_uring* ring, int listener) {
    struct io_uring_sqe* entry = ring_entry(ring);
    io_uring_prep_multishot_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
    ring_tag(entry, NULL, verb_accept);
}

/* Runs turns for ever; `complete` may add entries and must not keep the completion. */
_Noreturn static inline void ring_run(struct io_uring* ring,
                                      void (*complete)(struct io_uring*,
                                                       const struct io_uring_cqe*)) {
    for (;;) {
        int result = io_uring_submit_and_wait(ring, 1);
        if (result < 0 && result != -EINTR) {
            fail_with("io_uring_submit_and_wait", result);
        }
        struct io_uring_cqe* completion = NULL;
        unsigned head = 0;
        unsigned count = 0;
        io_uring_for_each_cqe(ring, head, completion) {
            complete(ring, completion);
            ++count;
        }
        io_uring_cq_advance(ring, count);
    }
}
