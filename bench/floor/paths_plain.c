/* Calls on paths, one after the other. Arguments: stat|list|copy COUNT. */
#include "common.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(bool good, const char* what) {
    if (!good) {
        perror(what);
        exit(1);
    }
}

static const char* name_of(size_t number) {
    static char name[32];
    snprintf(name, sizeof name, "%zu", number);
    return name;
}

/* --- the work ---------------------------------------------------------------------------- */

static void run_stat(size_t count) {
    static const char* path = "/usr/bin/env";
    for (size_t done = 0; done < count; ++done) {
        struct statx status;
        check(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_BTIME, &status) == 0, "statx");
    }
}

static int compare(const struct dirent** left, const struct dirent** right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

static void run_list(size_t count) {
    struct dirent** entries = NULL;
    const int found = scandir(".", &entries, NULL, compare);
    check(found >= 0 && (size_t)found == count + 2, "scandir");
    for (int index = 0; index < found; ++index) {
        free(entries[index]);
    }
    free(entries);
}

static void run_copy(size_t count) {
    const int from = open("original", O_RDONLY | O_CLOEXEC);
    const int to = open("copy", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    check(from >= 0 && to >= 0, "open");
    for (size_t left = count << 20; left > 0;) {
        const ssize_t copied = copy_file_range(from, NULL, to, NULL, left, 0);
        check(copied > 0, "copy_file_range");
        left -= (size_t)copied;
    }
    close(from);
    close(to);
}

/* --- what it works on -------------------------------------------------------------------- */

static void make_files(size_t count) {
    for (size_t number = 1; number <= count; ++number) {
        const int fd = open(name_of(number), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        check(fd >= 0, "open");
        close(fd);
    }
}

static void make_original(size_t count) {
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    const int fd = open("original", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (size_t written = 0; written < count; ++written) {
        check(write(fd, block, sizeof block) == (ssize_t)sizeof block, "write");
    }
    close(fd);
}

static void make_nothing(size_t count) {
    (void)count;
}

static const struct work {
    const char* name;
    void (*make)(size_t count);
    void (*run)(size_t count);
} works[] = {
    {"stat", make_nothing, run_stat},
    {"list", make_files, run_list},
    {"copy", make_original, run_copy},
};

/* Makes a directory, in memory if possible, and goes there. */
static void enter_directory(char* path, size_t size) {
    snprintf(path, size, "/dev/shm/bench-XXXXXX");
    if (mkdtemp(path) == NULL) {
        snprintf(path, size, "/tmp/bench-XXXXXX");
        check(mkdtemp(path) != NULL, "mkdtemp");
    }
    check(chdir(path) == 0, "chdir");
}

static void remove_all(const char* directory, size_t count) {
    for (size_t number = 1; number <= count; ++number) {
        unlink(name_of(number));
    }
    unlink("original");
    unlink("copy");
    rmdir(directory);
}

int main(int argc, char** argv) {
    const struct work* chosen = NULL;
    for (size_t index = 0; argc == 3 && index < sizeof works / sizeof *works; ++index) {
        chosen = strcmp(works[index].name, argv[1]) == 0 ? &works[index] : chosen;
    }
    if (chosen == NULL) {
        fprintf(stderr, "usage: %s stat|list|copy COUNT\n", argv[0]);
        return 2;
    }
    const size_t count = number_argument(argc, argv, 2, 1);
    char directory[64];
    enter_directory(directory, sizeof directory);
    chosen->make(count);
    const double began = seconds_of(CLOCK_MONOTONIC);
    const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    chosen->run(count);
    printf("count=%zu wall_us=%.4f cpu_us=%.4f\n", count,
           (seconds_of(CLOCK_MONOTONIC) - began) * 1e6 / (double)count,
           (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / (double)count);
    remove_all(directory, chosen->run == run_list ? count : 0);
    return 0;
}
