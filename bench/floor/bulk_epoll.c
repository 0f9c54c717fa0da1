/* Bulk transfers in plain C on epoll. Arguments: PORT send|receive [BUFFER].
 * The protocol is that of bench/README.md: a receiver answers the end of the stream with the
 * number of bytes it got; a sender is asked for a number of bytes. */
#include "poll.h"

struct connection {
    struct watched watched;
    uint64_t total;   /* received so far, or still to be sent */
    uint64_t request; /* what a sender was asked for, as it comes in */
    size_t have;      /* bytes of the request that came in */
    size_t offset;    /* bytes of the current write that were taken */
    uint8_t* buffer;
};

static size_t buffer_size;
static bool sends;

static void drop(struct connection* connection) {
    close(connection->watched.descriptor);
    free(connection->buffer);
    free(connection);
}

/* One attempt per event; a write of buffer_size that was taken in part goes on with the rest,
 * as a write of a program would. */
static void transmit(int set, struct connection* connection) {
    size_t piece = buffer_size - connection->offset;
    piece = connection->total < piece ? connection->total : piece;
    ssize_t count = send(connection->watched.descriptor,
                         connection->buffer + connection->offset, piece, MSG_NOSIGNAL);
    if (count < 0 && !would_block()) {
        drop(connection);
        return;
    }
    if (count > 0) {
        connection->total -= (uint64_t)count;
        connection->offset = (connection->offset + (size_t)count) % buffer_size;
    }
    poll_want_write(set, &connection->watched, connection->total > 0);
}

static void take_request(int set, struct connection* connection) {
    ssize_t count =
        recv(connection->watched.descriptor, (uint8_t*)&connection->request + connection->have,
             sizeof connection->request - connection->have, 0);
    if (count <= 0) {
        if (count == 0 || !would_block()) {
            drop(connection);
        }
        return;
    }
    connection->have += (size_t)count;
    if (connection->have == sizeof connection->request) {
        connection->have = 0;
        connection->offset = 0;
        connection->total = connection->request;
        transmit(set, connection);
    }
}

static void take_bytes(struct connection* connection) {
    ssize_t count = recv(connection->watched.descriptor, connection->buffer, buffer_size, 0);
    if (count > 0) {
        connection->total += (uint64_t)count;
        return;
    }
    if (count < 0 && would_block()) {
        return;
    }
    if (count == 0) {
        (void)send(connection->watched.descriptor, &connection->total, sizeof connection->total,
                   MSG_NOSIGNAL);
    }
    drop(connection);
}

static void ready(int set, void* owner) {
    struct connection* connection = owner;
    if (connection->watched.wants_write) {
        transmit(set, connection);
    } else if (sends) {
        take_request(set, connection);
    } else {
        take_bytes(connection);
    }
}

static void accepted(int set, int descriptor) {
    struct connection* connection = allocate(sizeof *connection);
    connection->watched.descriptor = descriptor;
    connection->buffer = allocate(buffer_size);
    poll_watch(set, &connection->watched);
}

int main(int argc, char** argv) {
    sends = bulk_sends(argc, argv);
    buffer_size = number_argument(argc, argv, 3, default_bulk_buffer);
    int listener = listen_on(number_argument(argc, argv, 1, 0), SOCK_NONBLOCK);
    poll_run(poll_open(listener), listener, accepted, ready);
}
