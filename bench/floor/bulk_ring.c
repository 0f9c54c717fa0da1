/* Bulk transfers in plain C on io_uring. Arguments: PORT send|receive [BUFFER].
 * The protocol is that of bench/README.md: a receiver answers the end of the stream with the
 * number of bytes it got; a sender is asked for a number of bytes. */
#include "ring.h"

struct connection {
    int descriptor;
    uint64_t total;   /* received so far, or still to be sent */
    uint64_t request; /* what a sender was asked for, as it comes in */
    size_t have;      /* bytes of the request that came in */
    uint8_t* buffer;
};

static int listener;
static size_t buffer_size;
static bool sends;

static void receive(struct io_uring* ring, struct connection* connection) {
    struct io_uring_sqe* entry = ring_entry(ring);
    if (sends) {
        io_uring_prep_recv(entry, connection->descriptor,
                           (uint8_t*)&connection->request + connection->have,
                           sizeof connection->request - connection->have, 0);
    } else {
        io_uring_prep_recv(entry, connection->descriptor, connection->buffer, buffer_size, 0);
    }
    ring_tag(entry, connection, verb_receive);
}

static void transmit(struct io_uring* ring, struct connection* connection) {
    struct io_uring_sqe* entry = ring_entry(ring);
    size_t piece = connection->total < buffer_size ? connection->total : buffer_size;
    io_uring_prep_send(entry, connection->descriptor, connection->buffer, piece,
                       MSG_NOSIGNAL | MSG_WAITALL);
    ring_tag(entry, connection, verb_send);
}

static void drop(struct connection* connection) {
    close(connection->descriptor);
    free(connection->buffer);
    free(connection);
}

static void accepted(struct io_uring* ring, const struct io_uring_cqe* completion) {
    if ((completion->flags & IORING_CQE_F_MORE) == 0) {
        ring_accept(ring, listener);
    }
    if (completion->res < 0) {
        return;
    }
    struct connection* connection = allocate(sizeof *connection);
    connection->descriptor = completion->res;
    connection->buffer = allocate(buffer_size);
    receive(ring, connection);
}

static void received(struct io_uring* ring, struct connection* connection, int count) {
    if (!sends) {
        connection->total += (uint64_t)count;
        receive(ring, connection);
        return;
    }
    connection->have += (size_t)count;
    if (connection->have < sizeof connection->request) {
        receive(ring, connection);
        return;
    }
    connection->have = 0;
    connection->total = connection->request;
    transmit(ring, connection);
}

static void transmitted(struct io_uring* ring, struct connection* connection, int count) {
    connection->total -= (uint64_t)count;
    if (connection->total > 0) {
        transmit(ring, connection);
    } else {
        receive(ring, connection);
    }
}

static void complete(struct io_uring* ring, const struct io_uring_cqe* completion) {
    struct connection* connection = tag_owner(completion);
    enum verb verb = tag_verb(completion);
    if (verb == verb_accept) {
        accepted(ring, completion);
    } else if (completion->res <= 0) {
        if (completion->res == 0 && !sends) {
            (void)send(connection->descriptor, &connection->total, sizeof connection->total,
                       MSG_NOSIGNAL);
        }
        drop(connection);
    } else if (verb == verb_receive) {
        received(ring, connection, completion->res);
    } else {
        transmitted(ring, connection, completion->res);
    }
}

int main(int argc, char** argv) {
    sends = bulk_sends(argc, argv);
    buffer_size = number_argument(argc, argv, 3, default_bulk_buffer);
    listener = listen_on(number_argument(argc, argv, 1, 0), 0);
    struct io_uring ring;
    ring_open(&ring);
    ring_accept(&ring, listener);
    ring_run(&ring, complete);
}
