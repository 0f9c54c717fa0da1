#include "base/errc.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <netdb.h>

namespace coring::base {

namespace {

struct message {
    int code;
    std::string_view text;
};

// Sorted by code. An errno that is absent here has no words by contract, even where strerror
// has some: programs compare these texts.
constexpr auto messages = std::to_array<message>({
    {EPERM, "operation not permitted"},
    {ENOENT, "no such file or directory"},
    {ESRCH, "no such process"},
    {EINTR, "interrupted system call"},
    {EIO, "i/o error"},
    {ENXIO, "no such device or address"},
    {E2BIG, "argument list too long"},
    {EBADF, "bad file descriptor"},
    {EAGAIN, "resource temporarily unavailable"},
    {ENOMEM, "not enough memory"},
    {EACCES, "permission denied"},
    {EFAULT, "bad address in system call argument"},
    {EBUSY, "resource busy or locked"},
    {EEXIST, "file already exists"},
    {EXDEV, "cross-device link not permitted"},
    {ENODEV, "no such device"},
    {ENOTDIR, "not a directory"},
    {EISDIR, "illegal operation on a directory"},
    {EINVAL, "invalid argument"},
    {ENFILE, "file table overflow"},
    {EMFILE, "too many open files"},
    {ENOTTY, "inappropriate ioctl for device"},
    {ETXTBSY, "text file is busy"},
    {EFBIG, "file too large"},
    {ENOSPC, "no space left on device"},
    {ESPIPE, "invalid seek"},
    {EROFS, "read-only file system"},
    {EMLINK, "too many links"},
    {EPIPE, "broken pipe"},
    {ERANGE, "result too large"},
    {ENAMETOOLONG, "name too long"},
    {ENOSYS, "function not implemented"},
    {ENOTEMPTY, "directory not empty"},
    {ELOOP, "too many symbolic links encountered"},
    {ENONET, "machine is not on the network"},
    {EPROTO, "protocol error"},
    {EOVERFLOW, "value too large for defined data type"},
    {EILSEQ, "illegal byte sequence"},
    {ENOTSOCK, "socket operation on non-socket"},
    {EDESTADDRREQ, "destination address required"},
    {EMSGSIZE, "message too long"},
    {EPROTOTYPE, "protocol wrong type for socket"},
    {ENOPROTOOPT, "protocol not available"},
    {EPROTONOSUPPORT, "protocol not supported"},
    {ESOCKTNOSUPPORT, "socket type not supported"},
    {EOPNOTSUPP, "operation not supported on socket"},
    {EAFNOSUPPORT, "address family not supported"},
    {EADDRINUSE, "address already in use"},
    {EADDRNOTAVAIL, "address not available"},
    {ENETDOWN, "network is down"},
    {ENETUNREACH, "network is unreachable"},
    {ECONNABORTED, "software caused connection abort"},
    {ECONNRESET, "connection reset by peer"},
    {ENOBUFS, "no buffer space available"},
    {EISCONN, "socket is already connected"},
    {ENOTCONN, "socket is not connected"},
    {ESHUTDOWN, "cannot send after transport endpoint shutdown"},
    {ETIMEDOUT, "connection timed out"},
    {ECONNREFUSED, "connection refused"},
    {EHOSTDOWN, "host is down"},
    {EHOSTUNREACH, "host is unreachable"},
    {EALREADY, "connection already in progress"},
    {EREMOTEIO, "remote I/O error"},
    {ECANCELED, "operation canceled"},
    {resolver_no_family_address, "address family not supported"},
    {resolver_temporary, "temporary failure"},
    {resolver_bad_flags, "bad ai_flags value"},
    {resolver_canceled, "request canceled"},
    {resolver_permanent, "permanent failure"},
    {resolver_bad_family, "ai_family not supported"},
    {resolver_no_memory, "out of memory"},
    {resolver_no_address, "no address"},
    {resolver_no_name, "unknown node or service"},
    {resolver_overflow, "argument buffer overflow"},
    {resolver_bad_service, "service not available for socket type"},
    {resolver_bad_socket_type, "socket type not supported"},
    {resolver_bad_hints, "invalid value for hints"},
    {resolver_bad_protocol, "resolved protocol is unknown"},
    {wrong_file_type, "inappropriate file type or format"},
    {invalid_character, "invalid Unicode character"},
    {unknown_error, "unknown error"},
    {end_of_file, "end of file"},
});

static_assert(std::ranges::is_sorted(messages, std::ranges::less{}, &message::code));
static_assert(ENOTSUP == EOPNOTSUPP);

constexpr std::string_view unknown_prefix = "Unknown system error -";
static_assert(unknown_prefix.size() + 10 <= error_text_room); // an int has at most 10 digits

std::string_view unknown_text(int code, std::span<char> scratch) noexcept {
    char* const digits = std::ranges::copy(unknown_prefix, scratch.data()).out;
    const auto written = std::to_chars(digits, scratch.data() + scratch.size(), code);
    return {scratch.data(), static_cast<std::size_t>(written.ptr - scratch.data())};
}

} // namespace

std::string_view error_text(int code, std::span<char> scratch) noexcept {
    CORING_ASSERT(code > 0);
    CORING_ASSERT(scratch.size() >= error_text_room);
    const auto* const found =
        std::ranges::lower_bound(messages, code, std::ranges::less{}, &message::code);
    const bool known = found != messages.end() && found->code == code;
    return known ? found->text : unknown_text(code, scratch);
}

int resolver_code(int eai) noexcept {
    CORING_ASSERT(eai != 0 && eai != EAI_SYSTEM);
    switch (eai) {
    case EAI_ADDRFAMILY:
        return resolver_no_family_address;
    case EAI_AGAIN:
        return resolver_temporary;
    case EAI_BADFLAGS:
        return resolver_bad_flags;
    case EAI_CANCELED:
        return resolver_canceled;
    case EAI_FAMILY:
        return resolver_bad_family;
    case EAI_MEMORY:
        return resolver_no_memory;
    case EAI_NODATA:
        return resolver_no_address;
    case EAI_NONAME:
        return resolver_no_name;
    case EAI_OVERFLOW:
        return resolver_overflow;
    case EAI_SERVICE:
        return resolver_bad_service;
    case EAI_SOCKTYPE:
        return resolver_bad_socket_type;
    case EAI_IDN_ENCODE:
        return invalid_character;
    default: // EAI_FAIL, and what a later C library may invent
        return resolver_permanent;
    }
}

} // namespace coring::base
