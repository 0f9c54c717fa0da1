/* Files on io_uring: `width` chains of operations, each beginning the next when it completes,
 * one kernel entry per turn. */
#include "files.h"
#include "ring.h"

enum step { step_open, step_stat, step_io, step_end };

struct chain {
    enum step step;
    int fd;
    size_t index;
    char* buffer;
    char path[path_room];
    struct statx status;
};

static struct file_job job;
static size_t given;
static size_t running;
static int shared_fd = -1;

/* Prepares the present step of a chain. */
static void prepare(struct io_uring* ring, struct chain* chain) {
    struct io_uring_sqe* entry = ring_entry(ring);
    off_t offset = offset_of(chain->index);
    if (chain->step == step_open) {
        io_uring_prep_openat(entry, AT_FDCWD, chain->path, O_RDONLY | O_CLOEXEC, 0);
    } else if (chain->step == step_stat) {
        io_uring_prep_statx(entry, chain->fd, "", AT_EMPTY_PATH, STATX_SIZE, &chain->status);
    } else if (chain->step == step_io && is_job(&job, "flush")) {
        io_uring_prep_write(entry, shared_fd, chain->buffer, block_size, (__u64)offset);
    } else if (chain->step == step_io) {
        bool small = is_job(&job, "open");
        io_uring_prep_read(entry, small ? chain->fd : shared_fd, chain->buffer, block_size,
                           small ? 0 : (__u64)offset);
    } else if (is_job(&job, "flush")) {
        io_uring_prep_fsync(entry, shared_fd, 0);
    } else {
        io_uring_prep_close(entry, chain->fd);
    }
    io_uring_sqe_set_data(entry, chain);
}

/* Gives the chain its next number, or ends it. */
static void next_index(struct io_uring* ring, struct chain* chain) {
    if (given == job.count) {
        --running;
        return;
    }
    chain->index = ++given;
    chain->step = is_job(&job, "open") ? step_open : step_io;
    if (chain->step == step_open) {
        small_path(chain->path, job.directory, chain->index);
    }
    prepare(ring, chain);
}

static void complete(struct io_uring* ring, const struct io_uring_cqe* completion) {
    struct chain* chain = io_uring_cqe_get_data(completion);
    if (completion->res < 0) {
        fail_with(job.name, completion->res);
    }
    bool last = chain->step == step_end || is_job(&job, "read") || is_job(&job, "cold");
    if (chain->step == step_open) {
        chain->fd = completion->res;
    }
    if (last) {
        next_index(ring, chain);
    } else {
        ++chain->step;
        prepare(ring, chain);
    }
}

static void turn(struct io_uring* ring) {
    int result = io_uring_submit_and_wait(ring, 1);
    if (result < 0 && result != -EINTR) {
        fail_with("io_uring_submit_and_wait", result);
    }
    struct io_uring_cqe* completion = NULL;
    unsigned head = 0;
    unsigned count = 0;
    io_uring_for_each_cqe(ring, head, completion) {
        complete(ring, completion);
        ++count;
    }
    io_uring_cq_advance(ring, count);
}

int main(int argc, char** argv) {
    struct io_uring ring;
    ring_open(&ring);
    job = job_of(argc, argv);
    char room[path_room];
    if (is_job(&job, "flush")) {
        shared_fd =
            open_file(path_of(room, job.directory, "target"), O_WRONLY | O_CREAT | O_TRUNC);
    } else if (!is_job(&job, "open")) {
        shared_fd = open_file(path_of(room, job.directory, "data"), O_RDONLY);
    }
    struct chain* chains = allocate(job.width * sizeof *chains);
    running = job.width;
    for (size_t at = 0; at < job.width; ++at) {
        chains[at].buffer = allocate(block_size);
        next_index(&ring, &chains[at]);
    }
    while (running > 0) {
        turn(&ring);
    }
    report(&job);
    return 0;
}
