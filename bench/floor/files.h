/* What the competitors on files share: arguments, paths, the order of blocks, and the figures.
 * Arguments: read|cold|open|flush WIDTH COUNT DIRECTORY, as bench_files_prepare made that. */
#pragma once

#include "common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum {
    block_size = 4096,
    block_count = 65536,
    block_stride = 40503, /* odd: every block once */
    small_files = 10000,
    path_room = 4096,
};

struct file_job {
    const char* name;
    size_t width;
    size_t count;
    const char* directory;
    double wall_began;
    double cpu_began;
};

static inline double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline struct file_job job_of(int argc, char** argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: %s read|cold|open|flush WIDTH COUNT DIRECTORY\n", argv[0]);
        exit(2);
    }
    struct file_job job = {.name = argv[1], .directory = argv[4]};
    job.width = number_argument(argc, argv, 2, 1);
    job.count = number_argument(argc, argv, 3, 1);
    job.wall_began = seconds_of(CLOCK_MONOTONIC);
    job.cpu_began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    return job;
}

static inline void report(const struct file_job* job) {
    double wall = seconds_of(CLOCK_MONOTONIC) - job->wall_began;
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - job->cpu_began;
    printf("count=%zu wall_us=%.4f cpu_us=%.4f\n", job->count, wall * 1e6 / (double)job->count,
           cpu * 1e6 / (double)job->count);
}

static inline off_t offset_of(size_t index) {
    return (off_t)(index * block_stride % block_count) * block_size;
}

static inline const char* path_of(char* room, const char* directory, const char* name) {
    snprintf(room, path_room, "%s/%s", directory, name);
    return room;
}

static inline const char* small_path(char* room, const char* directory, size_t index) {
    snprintf(room, path_room, "%s/small/%05zu", directory, index % small_files);
    return room;
}

static inline int open_file(const char* path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail(path);
    }
    return fd;
}

static inline bool is_job(const struct file_job* job, const char* name) {
    return strcmp(job->name, name) == 0;
}
