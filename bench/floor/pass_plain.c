/* What passing a socket costs at least: one sendmsg, one recvmsg and one close each, blocking,
 * in one process. Arguments: [COUNT]. Prints the CPU per socket. */
#include "common.h"

#include <time.h>

enum { default_passes = 10000 };

/* The message with one descriptor, in room that is aligned for its header. */
struct parcel {
    char byte;
    struct iovec part;

    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))];
    struct msghdr message;
};

static void prepare(struct parcel* parcel) {
    memset(parcel, 0, sizeof *parcel);
    parcel->part = (struct iovec){.iov_base = &parcel->byte, .iov_len = 1};
    parcel->message.msg_iov = &parcel->part;
    parcel->message.msg_iovlen = 1;
    parcel->message.msg_control = parcel->room;
    parcel->message.msg_controllen = sizeof parcel->room;
}

static void pass(int carrier, int descriptor) {
    struct parcel parcel;
    prepare(&parcel);
    struct cmsghdr* header = CMSG_FIRSTHDR(&parcel.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    if (sendmsg(carrier, &parcel.message, MSG_NOSIGNAL) != 1) {
        fail("sendmsg");
    }
}

static int receive(int carrier) {
    struct parcel parcel;
    prepare(&parcel);
    if (recvmsg(carrier, &parcel.message, MSG_CMSG_CLOEXEC) != 1) {
        fail("recvmsg");
    }
    int descriptor = -1;
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&parcel.message)), sizeof descriptor);
    return descriptor;
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
    size_t count = number_argument(argc, argv, 1, default_passes);
    int ends[2] = {-1, -1};
    int passed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (passed < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        fail("socket");
    }
    double begin = cpu_seconds();
    for (size_t i = 0; i < count; ++i) {
        pass(ends[0], passed);
        int came = receive(ends[1]);
        if (close(came) < 0) {
            fail("close");
        }
    }
    double spent = cpu_seconds() - begin;
    printf("passes=%zu cpu_us=%.4f\n", count, spent * 1e6 / (double)count);
    return 0;
}
