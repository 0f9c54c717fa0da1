/* Makes what the jobs on files work on, unless it is there: DIRECTORY/data of 256 MiB, and
 * 10 000 small files in DIRECTORY/small. For the job "cold" the page cache is made to forget
 * the data; for the others it is made to hold them. Arguments: JOB DIRECTORY. */
#include "files.h"

static void make_data(const char* path) {
    int fd = open_file(path, O_RDWR | O_CREAT);
    struct stat status;
    if (fstat(fd, &status) < 0) {
        fail("fstat");
    }
    char* block = allocate(1 << 20);
    for (size_t at = 0; at < 1 << 20; ++at) {
        block[at] = (char)(at * 31);
    }
    off_t size = (off_t)block_count * block_size;
    for (off_t at = status.st_size; at < size; at += 1 << 20) {
        if (pwrite(fd, block, 1 << 20, at) != 1 << 20) {
            fail("pwrite");
        }
    }
    free(block);
    close(fd);
}

static void make_small(const char* directory) {
    char room[path_room];
    if (mkdir(path_of(room, directory, "small"), 0700) < 0) {
        return; /* made before */
    }
    for (size_t index = 0; index < small_files; ++index) {
        int fd = open_file(small_path(room, directory, index), O_WRONLY | O_CREAT);
        char text[64];
        int size = snprintf(text, sizeof text, "small file number %zu\n", index);
        if (write(fd, text, (size_t)size) != size) {
            fail("write");
        }
        close(fd);
    }
}

static void set_cache(const char* path, bool cold) {
    int fd = open_file(path, O_RDONLY);
    if (cold) {
        fsync(fd);
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    } else {
        char* buffer = allocate(1 << 20);
        while (read(fd, buffer, 1 << 20) > 0) {
        }
        free(buffer);
    }
    close(fd);
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s JOB DIRECTORY\n", argv[0]);
        return 2;
    }
    char room[path_room];
    const char* directory = argv[2];
    if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
        fail(directory);
    }
    if (strcmp(argv[1], "open") == 0) {
        make_small(directory);
    } else if (strcmp(argv[1], "flush") != 0) {
        make_data(path_of(room, directory, "data"));
        set_cache(path_of(room, directory, "data"), strcmp(argv[1], "cold") == 0);
    }
    puts("prepared");
    return 0;
}
