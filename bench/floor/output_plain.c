/* Reads what a child writes to a socket pair as fast as it can: what the system itself takes.
 * Arguments: [MIB]. Prints the CPU of this process per KiB. */
#include "common.h"

#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

enum { default_mib = 256, buffer_size = 65536 };

static char buffer[buffer_size];

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t read_child(size_t size) {
    char amount[32];
    snprintf(amount, sizeof amount, "%zu", size);
    char name[] = "head";
    char option[] = "-c";
    char source[] = "/dev/zero";
    char* words[] = {name, option, amount, source, NULL};
    int ends[2];
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
        posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) != 0 ||
        posix_spawnp(&child, name, &actions, NULL, words, environ) != 0) {
        fprintf(stderr, "no child\n");
        exit(1);
    }
    close(ends[1]);
    size_t total = 0;
    ssize_t count = 0;
    while ((count = read(ends[0], buffer, sizeof buffer)) > 0) {
        total += (size_t)count;
    }
    close(ends[0]);
    posix_spawn_file_actions_destroy(&actions);
    waitpid(child, NULL, 0);
    return total;
}

int main(int argc, char** argv) {
    size_t size = number_argument(argc, argv, 1, default_mib) << 20;
    read_child(1 << 20);
    double begin = cpu_seconds();
    size_t total = read_child(size);
    double spent = cpu_seconds() - begin;
    if (total != size) {
        fprintf(stderr, "%zu of %zu bytes came\n", total, size);
        return 1;
    }
    printf("mib=%zu cpu_ns_per_kib=%.3f\n", size >> 20, spent * 1e9 / (double)(size >> 10));
    return 0;
}
