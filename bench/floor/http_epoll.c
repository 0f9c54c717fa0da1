/* A minimal HTTP/1.1 keep-alive responder in plain C on epoll: every blank line ends a
 * request, every request gets the same answer. No server to copy, only a floor for the price
 * of one. Arguments: PORT. */
#include "poll.h"

enum { request_capacity = 8192 };

static const char response[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Type: text/plain\r\n"
                               "Content-Length: 14\r\n"
                               "\r\n"
                               "Hello, world!\n";

struct connection {
    struct watched watched;
    size_t matched; /* characters of the blank line seen so far */
    size_t unsent;  /* bytes of answers held back by a full socket buffer */
    char request[request_capacity];
};

static void drop(struct connection* connection) {
    close(connection->watched.descriptor);
    free(connection);
}

/* The number of requests that end in the bytes just received. */
static size_t count_requests(struct connection* connection, size_t length) {
    static const char blank_line[] = "\r\n\r\n";
    size_t requests = 0;
    for (size_t i = 0; i < length; ++i) {
        char next = connection->request[i];
        if (next == blank_line[connection->matched]) {
            ++connection->matched;
        } else {
            connection->matched = next == '\r' ? 1 : 0;
        }
        if (connection->matched == sizeof blank_line - 1) {
            connection->matched = 0;
            ++requests;
        }
    }
    return requests;
}

/* Sends the answers owed. All are equal, so what is owed is a number of bytes. */
static void answer(int set, struct connection* connection) {
    enum { length = sizeof response - 1 };

    while (connection->unsent > 0) {
        size_t piece = (connection->unsent - 1) % length + 1;
        ssize_t count = send(connection->watched.descriptor, response + length - piece, piece,
                             MSG_NOSIGNAL);
        if (count < 0) {
            if (would_block()) {
                break;
            }
            drop(connection);
            return;
        }
        connection->unsent -= (size_t)count;
    }
    poll_want_write(set, &connection->watched, connection->unsent > 0);
}

static void ready(int set, void* owner) {
    struct connection* connection = owner;
    if (connection->watched.wants_write) {
        answer(set, connection);
        return;
    }
    ssize_t count =
        recv(connection->watched.descriptor, connection->request, request_capacity, 0);
    if (count > 0) {
        size_t requests = count_requests(connection, (size_t)count);
        connection->unsent += requests * (sizeof response - 1);
        answer(set, connection);
    } else if (count == 0 || !would_block()) {
        drop(connection);
    }
}

static void accepted(int set, int descriptor) {
    struct connection* connection = allocate(sizeof *connection);
    connection->watched.descriptor = descriptor;
    poll_watch(set, &connection->watched);
}

int main(int argc, char** argv) {
    int listener = listen_on(number_argument(argc, argv, 1, 0), SOCK_NONBLOCK);
    poll_run(poll_open(listener), listener, accepted, ready);
}
