/* The same lookup again and again in one thread: what the C library itself takes.
 * Arguments: [COUNT]. Prints the CPU per lookup. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { default_lookups = 2000, warm_up = 100 };

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* With the hints that system.findaddr gives without a mode. */
static void look(void) {
    struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG};
    struct addrinfo* found = NULL;
    int refused = getaddrinfo("localhost", NULL, &hints, &found);
    if (refused != 0) {
        fprintf(stderr, "getaddrinfo: %s\n", gai_strerror(refused));
        exit(1);
    }
    freeaddrinfo(found);
}

int main(int argc, char** argv) {
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : default_lookups;
    for (long i = 0; i < warm_up; ++i) {
        look();
    }
    double begin = cpu_seconds();
    for (long i = 0; i < count; ++i) {
        look();
    }
    printf("lookups=%ld cpu_us=%.4f\n", count, (cpu_seconds() - begin) * 1e6 / (double)count);
    return 0;
}
