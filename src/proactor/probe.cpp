#include "proactor/probe.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/syscall.h>
#include <unistd.h>

namespace coring::proactor {

namespace {

// The operation codes our verbs put into entries. A verb that needs another one adds it here.
constexpr std::array<std::uint8_t, 5> used_codes = {
    IORING_OP_POLL_ADD, IORING_OP_SEND, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC,
};

// The registrations we still make once the ring is enabled.
constexpr std::array<std::uint8_t, 1> used_registrations = {IORING_REGISTER_SYNC_CANCEL};

int ring_register(int fd, unsigned what, void* argument, unsigned count) noexcept {
    const long answer = ::syscall(SYS_io_uring_register, fd, what, argument, count);
    return answer < 0 ? errno : 0;
}

bool has_codes(int fd) noexcept {
    constexpr unsigned room = 64;
    alignas(io_uring_probe)
        std::array<std::byte, sizeof(io_uring_probe) + room * sizeof(io_uring_probe_op)>
            memory{};
    auto* answer = reinterpret_cast<io_uring_probe*>(memory.data());
    if (ring_register(fd, IORING_REGISTER_PROBE, answer, room) != 0) {
        return false;
    }
    const auto* ops =
        reinterpret_cast<const io_uring_probe_op*>(memory.data() + sizeof(io_uring_probe));
    for (const std::uint8_t code : used_codes) {
        if (code > answer->last_op || (ops[code].flags & IO_URING_OP_SUPPORTED) == 0) {
            return false;
        }
    }
    return true;
}

// Writes and flushes of files are run by threads that the kernel makes for the thread that
// enters the ring: by default up to four a processor for files, which is what we want, and as
// many as the user may have for all else, which none of our entries needs. Kernels before 5.15
// know no such limit, and then there is none.
void limit_kernel_workers(int fd) noexcept {
    std::array<unsigned, 2> most{0, 4}; // for files: as it is; for the rest
    static_cast<void>(ring_register(fd, IORING_REGISTER_IOWQ_MAX_WORKERS, most.data(),
                                    static_cast<unsigned>(most.size())));
}

// A kernel with the synchronous cancel finds nothing to cancel; one without knows no such call.
bool has_sync_cancel(int fd) noexcept {
    io_uring_sync_cancel_reg request{};
    request.fd = -1;
    return ring_register(fd, IORING_REGISTER_SYNC_CANCEL, &request, 1) != EINVAL;
}

} // namespace

base::result<void> probe(int ring_fd, const io_uring_params& params) noexcept {
    constexpr unsigned features =
        IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
    if ((params.features & features) != features || !has_codes(ring_fd)) {
        return base::failure{ENOSYS};
    }
    return {};
}

base::result<void> enable(int ring_fd) noexcept {
    limit_kernel_workers(ring_fd); // the restrictions forbid it
    std::array<io_uring_restriction, used_codes.size() + used_registrations.size()> rules{};
    std::size_t count = 0;
    for (const std::uint8_t code : used_codes) {
        rules[count].opcode = IORING_RESTRICTION_SQE_OP;
        rules[count].sqe_op = code;
        ++count;
    }
    for (const std::uint8_t registration : used_registrations) {
        rules[count].opcode = IORING_RESTRICTION_REGISTER_OP;
        rules[count].register_op = registration;
        ++count;
    }
    int failed = ring_register(ring_fd, IORING_REGISTER_RESTRICTIONS, rules.data(),
                               static_cast<unsigned>(rules.size()));
    if (failed == 0) {
        failed = ring_register(ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    }
    if (failed == 0 && !has_sync_cancel(ring_fd)) {
        failed = ENOSYS;
    }
    if (failed != 0) {
        return base::failure{failed};
    }
    return {};
}

} // namespace coring::proactor
