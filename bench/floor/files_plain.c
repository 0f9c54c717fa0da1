/* Files by plain calls, one after the other: what the kernel costs without anybody in between.
 * Whatever the width, one call is in progress at a time. */
#include "files.h"

static void read_blocks(const struct file_job* job, char* buffer) {
    char room[path_room];
    int fd = open_file(path_of(room, job->directory, "data"), O_RDONLY);
    for (size_t index = 1; index <= job->count; ++index) {
        if (pread(fd, buffer, block_size, offset_of(index)) != block_size) {
            fail("pread");
        }
    }
    close(fd);
}

static void open_files(const struct file_job* job, char* buffer) {
    char room[path_room];
    for (size_t index = 1; index <= job->count; ++index) {
        int fd = open_file(small_path(room, job->directory, index), O_RDONLY);
        struct stat status;
        if (fstat(fd, &status) != 0 || status.st_size <= 0) {
            fail("fstat");
        }
        if (read(fd, buffer, block_size) <= 0) {
            fail("read");
        }
        close(fd);
    }
}

static void write_blocks(const struct file_job* job, const char* buffer) {
    char room[path_room];
    int fd = open_file(path_of(room, job->directory, "target"), O_WRONLY | O_CREAT | O_TRUNC);
    for (size_t index = 1; index <= job->count; ++index) {
        if (pwrite(fd, buffer, block_size, offset_of(index)) != block_size || fsync(fd) != 0) {
            fail("pwrite");
        }
    }
    close(fd);
}

int main(int argc, char** argv) {
    char* buffer = allocate(block_size);
    struct file_job job = job_of(argc, argv);
    if (is_job(&job, "open")) {
        open_files(&job, buffer);
    } else if (is_job(&job, "flush")) {
        write_blocks(&job, buffer);
    } else {
        read_blocks(&job, buffer);
    }
    report(&job);
    return 0;
}
