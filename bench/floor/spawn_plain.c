/* Starts /bin/true again and again with posix_spawn and waits for any of its children: what the
 * system itself takes. Arguments: [COUNT [AT_ONCE [MIB]]]. Prints the time per child. */
#include "common.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char** environ;

enum { default_spawns = 500, warm_up = 20, mib = 1 << 20 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void start(void) {
    char name[] = "/bin/true";
    char* words[] = {name, NULL};
    pid_t child = 0;
    int refused = posix_spawn(&child, name, NULL, NULL, words, environ);
    if (refused != 0) {
        fprintf(stderr, "posix_spawn: %s\n", strerror(refused));
        exit(1);
    }
}

static void spawn_all(size_t count, size_t at_once) {
    size_t started = 0;
    for (; started < count && started < at_once; ++started) {
        start();
    }
    for (size_t ended = 0; ended < count; ++ended) {
        int status = 0;
        if (wait(&status) < 0 || status != 0) {
            fprintf(stderr, "a child went wrong\n");
            exit(1);
        }
        if (started < count) {
            start();
            ++started;
        }
    }
}

int main(int argc, char** argv) {
    size_t count = number_argument(argc, argv, 1, default_spawns);
    size_t at_once = number_argument(argc, argv, 2, 1);
    size_t held = number_argument(argc, argv, 3, 1);
    char* memory = allocate(held * mib);
    memset(memory, 'x', held * mib);
    spawn_all(warm_up, at_once);
    double begin = seconds();
    spawn_all(count, at_once);
    printf("spawns=%zu us=%.2f\n", count, (seconds() - begin) * 1e6 / (double)count);
    return 0;
}
