/* The datagram server in plain C on epoll: level-triggered; at each event it takes what is
 * there, up to a bound. Arguments: PORT echo|receive. */
#include "udp.h"

#include <sys/epoll.h>

enum { taken_per_event = 32 };

static uint64_t total;

/* False when nothing is there any more. */
static bool serve_one(int server, bool echoes) {
    static uint8_t buffer[datagram_buffer];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t count = recvfrom(server, buffer, sizeof buffer, 0, (struct sockaddr*)&from, &size);
    if (count < 0) {
        return false;
    }
    const void* answer = buffer;
    size_t answer_size = (size_t)count;
    if (!echoes) {
        if (++total % datagrams_per_answer != 0) {
            return true;
        }
        answer = &total;
        answer_size = sizeof total;
    }
    (void)sendto(server, answer, answer_size, 0, (const struct sockaddr*)&from, size);
    return true;
}

int main(int argc, char** argv) {
    bool echoes = udp_echoes(argc, argv);
    int server = udp_open(number_argument(argc, argv, 1, 0), SOCK_NONBLOCK);
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, server, &event) < 0) {
        fail("epoll");
    }
    for (;;) {
        if (epoll_wait(set, &event, 1, -1) < 0 && errno != EINTR) {
            fail("epoll_wait");
        }
        for (int taken = 0; taken < taken_per_event && serve_one(server, echoes); ++taken) {
        }
    }
}
