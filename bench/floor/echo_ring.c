/* The floor of every echo job: plain C on io_uring, one receive and one send entry per
 * request, one kernel entry per turn. Arguments: PORT [BUFFER]. */
#include "ring.h"

struct connection {
    int descriptor;
    size_t count; /* bytes of the answer */
    size_t sent;  /* of these, taken by the kernel */
    uint8_t* buffer;
};

static int listener;
static size_t buffer_size;

static void receive(struct io_uring* ring, struct connection* connection) {
    struct io_uring_sqe* entry = ring_entry(ring);
    io_uring_prep_recv(entry, connection->descriptor, connection->buffer, buffer_size, 0);
    ring_tag(entry, connection, verb_receive);
}

static void answer(struct io_uring* ring, struct connection* connection) {
    struct io_uring_sqe* entry = ring_entry(ring);
    io_uring_prep_send(entry, connection->descriptor, connection->buffer + connection->sent,
                       connection->count - connection->sent, MSG_NOSIGNAL | MSG_WAITALL);
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

static void complete(struct io_uring* ring, const struct io_uring_cqe* completion) {
    struct connection* connection = tag_owner(completion);
    enum verb verb = tag_verb(completion);
    if (verb == verb_accept) {
        accepted(ring, completion);
    } else if (completion->res <= 0) {
        drop(connection);
    } else if (verb == verb_receive) {
        connection->count = (size_t)completion->res;
        connection->sent = 0;
        answer(ring, connection);
    } else {
        connection->sent += (size_t)completion->res;
        if (connection->sent < connection->count) {
            answer(ring, connection);
        } else {
            receive(ring, connection);
        }
    }
}

int main(int argc, char** argv) {
    size_t port = number_argument(argc, argv, 1, 0);
    buffer_size = number_argument(argc, argv, 2, default_echo_buffer);
    listener = listen_on(port, 0);
    struct io_uring ring;
    ring_open(&ring);
    ring_accept(&ring, listener);
    ring_run(&ring, complete);
}
