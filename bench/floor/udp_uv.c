/* The datagram server in C on libuv: what a program gets from the library the reference is
 * built on, without Lua. Arguments: PORT echo|receive. */
#include "loop_uv.h"
#include "udp.h"

static bool echoes;
static uint64_t total;

static void lend(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
    static char room[datagram_buffer];
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(room, sizeof room);
}

static void received(uv_udp_t* server,
                     ssize_t count,
                     const uv_buf_t* buffer,
                     const struct sockaddr* from,
                     unsigned flags) {
    (void)flags;
    if (count < 0 || from == NULL) {
        return;
    }
    uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)count);
    if (!echoes) {
        if (++total % datagrams_per_answer != 0) {
            return;
        }
        answer = uv_buf_init((char*)&total, sizeof total);
    }
    (void)uv_udp_try_send(server, &answer, 1, from);
}

int main(int argc, char** argv) {
    echoes = udp_echoes(argc, argv);
    static uv_udp_t server;
    struct sockaddr_in address = loopback_address(number_argument(argc, argv, 1, 0));
    check_uv("uv_udp_init", uv_udp_init(uv_default_loop(), &server));
    check_uv("uv_udp_bind", uv_udp_bind(&server, (const struct sockaddr*)&address, 0));
    check_uv("uv_udp_recv_start", uv_udp_recv_start(&server, lend, received));
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
