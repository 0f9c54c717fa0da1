/* The datagram server in plain C on io_uring: several places, each of which receives a datagram
 * and answers it, one entry each; one kernel entry per turn. Arguments: PORT echo|receive. */
#include "ring.h"
#include "udp.h"

enum { places = 32 };

struct place {
    struct msghdr message;
    struct iovec part;
    struct sockaddr_in peer;
    uint8_t buffer[datagram_buffer];
};

static int server;
static bool echoes;
static uint64_t total;

static void receive(struct io_uring* ring, struct place* place) {
    place->part = (struct iovec){place->buffer, sizeof place->buffer};
    place->message = (struct msghdr){.msg_name = &place->peer,
                                     .msg_namelen = sizeof place->peer,
                                     .msg_iov = &place->part,
                                     .msg_iovlen = 1};
    struct io_uring_sqe* entry = ring_entry(ring);
    io_uring_prep_recvmsg(entry, server, &place->message, 0);
    ring_tag(entry, place, verb_receive);
}

static void complete(struct io_uring* ring, const struct io_uring_cqe* completion) {
    struct place* place = tag_owner(completion);
    if (tag_verb(completion) == verb_send || completion->res < 0) {
        receive(ring, place);
        return;
    }
    place->part.iov_len = (size_t)completion->res;
    if (!echoes) {
        if (++total % datagrams_per_answer != 0) {
            receive(ring, place);
            return;
        }
        memcpy(place->buffer, &total, sizeof total);
        place->part.iov_len = sizeof total;
    }
    struct io_uring_sqe* entry = ring_entry(ring);
    io_uring_prep_sendmsg(entry, server, &place->message, 0);
    ring_tag(entry, place, verb_send);
}

int main(int argc, char** argv) {
    echoes = udp_echoes(argc, argv);
    server = udp_open(number_argument(argc, argv, 1, 0), 0);
    struct io_uring ring;
    ring_open(&ring);
    struct place* all = allocate(places * sizeof *all);
    for (size_t i = 0; i < places; ++i) {
        receive(&ring, &all[i]);
    }
    ring_run(&ring, complete);
}
