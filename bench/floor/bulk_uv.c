/* Bulk transfers in C on libuv. Arguments: PORT send|receive [BUFFER].
 * The protocol is that of bench/README.md: a receiver answers the end of the stream with the
 * number of bytes it got; a sender is asked for a number of bytes. */
#include "loop_uv.h"

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    uint64_t total;   /* received so far, or still to be sent */
    uint64_t request; /* what a sender was asked for, as it comes in */
    size_t have;      /* bytes of the request that came in */
    char* buffer;
};

static size_t buffer_size;
static bool sends;

static void closed(uv_handle_t* handle) {
    struct connection* connection = (struct connection*)handle;
    free(connection->buffer);
    free(connection);
}

static void drop(struct connection* connection) {
    if (!uv_is_closing((uv_handle_t*)&connection->tcp)) {
        uv_close((uv_handle_t*)&connection->tcp, closed);
    }
}

static void lend(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
    (void)suggested;
    struct connection* connection = (struct connection*)handle;
    if (sends) {
        buffer->base = (char*)&connection->request + connection->have;
        buffer->len = sizeof connection->request - connection->have;
    } else {
        buffer->base = connection->buffer;
        buffer->len = buffer_size;
    }
}

static void transmit(struct connection* connection);

static void written(uv_write_t* write, int status) {
    struct connection* connection = (struct connection*)write->handle;
    if (status < 0) {
        drop(connection);
    } else if (connection->total > 0) {
        transmit(connection);
    }
}

static void transmit(struct connection* connection) {
    size_t piece = connection->total < buffer_size ? connection->total : buffer_size;
    connection->total -= piece;
    uv_buf_t bytes = uv_buf_init(connection->buffer, (unsigned)piece);
    uv_stream_t* stream = (uv_stream_t*)&connection->tcp;
    if (uv_write(&connection->write, stream, &bytes, 1, written) < 0) {
        drop(connection);
    }
}

static void told(uv_write_t* write, int status) {
    (void)status;
    drop((struct connection*)write->handle);
}

static void finish(struct connection* connection, bool ended) {
    uv_buf_t answer = uv_buf_init((char*)&connection->total, sizeof connection->total);
    uv_stream_t* stream = (uv_stream_t*)&connection->tcp;
    if (sends || !ended || uv_write(&connection->write, stream, &answer, 1, told) < 0) {
        drop(connection);
    }
}

static void received(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    (void)buffer;
    struct connection* connection = (struct connection*)stream;
    if (count < 0) {
        finish(connection, count == UV_EOF);
    } else if (!sends) {
        connection->total += (uint64_t)count;
    } else if (count > 0) {
        connection->have += (size_t)count;
        if (connection->have == sizeof connection->request) {
            connection->have = 0;
            connection->total = connection->request;
            transmit(connection);
        }
    }
}

static void accepted(uv_stream_t* listener, int status) {
    if (status < 0) {
        return;
    }
    struct connection* connection = allocate(sizeof *connection);
    connection->buffer = allocate(buffer_size);
    if (accept_uv(listener, &connection->tcp, closed)) {
        check_uv("uv_read_start",
                 uv_read_start((uv_stream_t*)&connection->tcp, lend, received));
    }
}

int main(int argc, char** argv) {
    sends = bulk_sends(argc, argv);
    buffer_size = number_argument(argc, argv, 3, default_bulk_buffer);
    return serve_uv(number_argument(argc, argv, 1, 0), accepted);
}
