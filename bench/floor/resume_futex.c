/* Two threads that wake each other in turn with futexes: the least a hand-over and an answer
 * between sleeping threads can take.
 * Arguments: [COUNT]. Prints the time and the CPU of both threads per round trip. */
#include "resume.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_uint calls;
static atomic_uint answers;

static void sleep_until(atomic_uint* word, uint32_t seen) {
    while (atomic_load(word) == seen) {
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
}

static void wake(atomic_uint* word) {
    atomic_fetch_add(word, 1);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void* answer_all(void* unused) {
    for (uint32_t seen = 0;; ++seen) {
        sleep_until(&calls, seen);
        wake(&answers);
    }
    return unused;
}

static void call_many(long count) {
    for (long i = 0; i < count; ++i) {
        uint32_t seen = atomic_load(&answers);
        wake(&calls);
        sleep_until(&answers, seen);
    }
}

int main(int argc, char** argv) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, answer_all, NULL) != 0) {
        fprintf(stderr, "no thread\n");
        return 1;
    }
    return measure_calls(argc, argv, call_many);
}
