/* The echo server in plain C on epoll: level-triggered, one receive and one send per request,
 * and writability asked for only while an answer is held back. Arguments: PORT [BUFFER]. */
#include "poll.h"

struct connection {
    struct watched watched;
    size_t count; /* bytes of the answer */
    size_t sent;  /* of these, taken by the kernel */
    uint8_t* buffer;
};

static size_t buffer_size;

static void drop(struct connection* connection) {
    close(connection->watched.descriptor);
    free(connection->buffer);
    free(connection);
}

/* Sends what is left of the answer; while some is left, nothing is read. */
static void answer(int set, struct connection* connection) {
    ssize_t count = send(connection->watched.descriptor, connection->buffer + connection->sent,
                         connection->count - connection->sent, MSG_NOSIGNAL);
    if (count < 0 && !would_block()) {
        drop(connection);
        return;
    }
    connection->sent += count > 0 ? (size_t)count : 0;
    poll_want_write(set, &connection->watched, connection->sent < connection->count);
}

static void ready(int set, void* owner) {
    struct connection* connection = owner;
    if (connection->watched.wants_write) {
        answer(set, connection);
        return;
    }
    ssize_t count = recv(connection->watched.descriptor, connection->buffer, buffer_size, 0);
    if (count > 0) {
        connection->count = (size_t)count;
        connection->sent = 0;
        answer(set, connection);
    } else if (count == 0 || !would_block()) {
        drop(connection);
    }
}

static void accepted(int set, int descriptor) {
    struct connection* connection = allocate(sizeof *connection);
    connection->watched.descriptor = descriptor;
    connection->buffer = allocate(buffer_size);
    poll_watch(set, &connection->watched);
}

int main(int argc, char** argv) {
    size_t port = number_argument(argc, argv, 1, 0);
    buffer_size = number_argument(argc, argv, 2, default_echo_buffer);
    int listener = listen_on(port, SOCK_NONBLOCK);
    poll_run(poll_open(listener), listener, accepted, ready);
}
