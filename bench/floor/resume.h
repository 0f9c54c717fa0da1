/* What the C programs of the job `resume` share: round trips between two threads, measured. */
#ifndef CORING_BENCH_RESUME_H
#define CORING_BENCH_RESUME_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int measure_calls(int argc, char** argv, void (*call_many)(long count)) {
    enum { default_count = 100000, warm_up = 1000 };

    long count = argc > 1 ? strtol(argv[1], NULL, 10) : default_count;
    call_many(warm_up);
    double began = seconds_of(CLOCK_MONOTONIC);
    double cpu_began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    call_many(count);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
    double time = seconds_of(CLOCK_MONOTONIC) - began;
    printf("resumes=%ld round_trip_us=%.4f cpu_us=%.4f\n", count, time * 1e6 / (double)count,
           cpu * 1e6 / (double)count);
    return 0;
}

#endif
