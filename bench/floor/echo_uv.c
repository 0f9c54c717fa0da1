/* The echo server in C on libuv: what a program gets from the library the reference is built
 * on, without Lua. Arguments: PORT [BUFFER]. */
#include "loop_uv.h"

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    char* buffer;
};

static size_t buffer_size;

static void closed(uv_handle_t* handle) {
    struct connection* connection = (struct connection*)handle;
    free(connection->buffer);
    free(connection);
}

static void lend(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
    (void)suggested;
    struct connection* connection = (struct connection*)handle;
    buffer->base = connection->buffer;
    buffer->len = buffer_size;
}

static void received(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);

static void written(uv_write_t* write, int status) {
    if (status < 0) {
        if (!uv_is_closing((uv_handle_t*)write->handle)) {
            uv_close((uv_handle_t*)write->handle, closed);
        }
        return;
    }
    check_uv("uv_read_start", uv_read_start(write->handle, lend, received));
}

/* The answer is tried on the spot; what the socket does not take holds up reading, since it
 * lies in the buffer that reading would fill. */
static void received(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    struct connection* connection = (struct connection*)stream;
    if (count == 0) {
        return;
    }
    if (count < 0) {
        uv_close((uv_handle_t*)stream, closed);
        return;
    }
    uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)count);
    int taken = uv_try_write(stream, &answer, 1);
    if (taken == count) {
        return;
    }
    if (taken > 0) {
        answer = uv_buf_init(buffer->base + taken, (unsigned)(count - taken));
    }
    uv_read_stop(stream);
    if (uv_write(&connection->write, stream, &answer, 1, written) < 0) {
        uv_close((uv_handle_t*)stream, closed);
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
    buffer_size = number_argument(argc, argv, 2, default_echo_buffer);
    return serve_uv(number_argument(argc, argv, 1, 0), accepted);
}
