/* Many timers in C on libuv, the counterpart of scripts/coutil/timers.lua without coroutines.
 * Arguments: [COUNT]. Prints the CPU per timer and the memory at its peak. */
#include "loop_uv.h"

#include <sys/resource.h>
#include <time.h>

enum { default_timers = 100000, shortest_ms = 100, spread_ms = 900 };

static size_t fired;

static void expired(uv_timer_t* timer) {
    (void)timer;
    ++fired;
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
    size_t count = number_argument(argc, argv, 1, default_timers);
    double begin = cpu_seconds();
    for (size_t i = 0; i < count; ++i) {
        uv_timer_t* timer = allocate(sizeof *timer);
        check_uv("uv_timer_init", uv_timer_init(uv_default_loop(), timer));
        /* The same order as in the scripts: neighbours are far apart in time. */
        uint64_t delay_ms = shortest_ms + i * 7919 % spread_ms;
        check_uv("uv_timer_start", uv_timer_start(timer, expired, delay_ms, 0));
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    double spent = cpu_seconds() - begin;
    if (fired != count) {
        fprintf(stderr, "%zu of %zu timers expired\n", fired, count);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("timers=%zu cpu_us=%.4f rss_mib=%.1f\n", count, spent * 1e6 / (double)count,
           (double)usage.ru_maxrss / 1024);
    return 0;
}
