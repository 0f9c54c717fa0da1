// What sockets of all kinds have in common: the descriptor, where it is bound, whose loop it is
// on. (The manual's section on network and IPC.)
#pragma once

#include "base/result.hpp"
#include "io/address.hpp"
#include "io/back_off.hpp"
#include "loop/loop.hpp"
#include "op/descriptor.hpp"

#include <cstdint>

namespace coring::io {

enum class domain : std::uint8_t {
    ipv4,
    ipv6,
    local, // Unix sockets: paths, and abstract names
    share, // the same, and descriptors of stream sockets travel with the bytes
};

// Of the domains that have IP addresses.
[[nodiscard]] constexpr ip_version version_of(domain from) noexcept {
    return from == domain::ipv6 ? ip_version::v6 : ip_version::v4;
}

enum class site : std::uint8_t { self, peer };

// What a stream can do at the moment.
enum class stream_phase : std::uint8_t {
    unconnected,
    connecting,
    connected,
    dead, // a read failed for good: neither readable nor writable (behaviour 7.6)
};

// Plain data that lives where its owner puts it. A closed socket keeps its domain. One of
// domain local or share may be open without a descriptor: it gets one when it is bound or
// connected. What streams and passive sockets need stands side by side, so that programs that
// turn a stream into a passive socket by exchanging its metatable go on working
// (behaviour 4.1).
struct socket : op::descriptor {
    loop::loop* on = nullptr;
    domain in = domain::ipv4;
    bool open : 1 = false;
    bool was_bound : 1 = false;
    bool any_address : 1 = false;  // datagrams: it had the wildcard address before it connected
    bool reuse_chosen : 1 = false; // the program has set the option reuseaddr itself
    bool bind_failed : 1 = false;  // the port was taken: the next call tells (behaviour 7.3)
    bool listening : 1 = false;
    bool shut : 1 = false;        // the writing side was shut down, or will be
    bool closing : 1 = false;     // being closed: what is cut short ends as canceled
    bool taking_over : 1 = false; // a write is being moved to memory of ours
    bool announcing : 1 = false;  // a connect is done and its coroutine has not heard of it yet
    bool orphaned : 1 = false;    // it lives on without an object, until its writes are done
    bool unreadable : 1 = false;  // made for writing only
    bool unwritable : 1 = false;  // made for reading only
    bool foreign : 1 = false;     // it came from elsewhere, where its flags are relied on too
    bool guessing : 1 = false; // datagrams: the present read was not asked whether one is there
    bool plain : 1 = false;    // no socket but a pipe or a terminal, which flows as one does
    bool quick_reads : 1 = true;  // plain: it has reads that do not wait, as far as we know
    bool quick_writes : 1 = true; // plain: the same of writes
    stream_phase phase : 2 = stream_phase::unconnected;
    std::uint8_t served = 0;   // acceptances in a row within one turn
    back_off guesses{1};       // datagrams: reads that guess; the others ask
    std::uint8_t pause_ms = 0; // between acceptances while descriptors are short

    [[nodiscard]] bool is_open() const noexcept { return open; }

    [[nodiscard]] bool is_local() const noexcept { return in >= domain::local; }
};

// Each idle connection has one: eight bytes more are felt by those who have many.
static_assert(sizeof(socket) <= 40);

// What the verbs that take from a descriptor share. The mask that a poll answers is of no
// interest, the attempt finds out; when the operation is over, its socket is free for the next
// reader.
[[nodiscard]] bool finish_readiness(op::operation& waiting, int answer) noexcept;
void release_reader(op::operation& done) noexcept;

// Creates the descriptor: close-on-exec, and blocking, as whoever inherits it expects. Requires
// a socket without one. `type` as for socket(2).
[[nodiscard]] base::result<void> open_socket(socket& closed, int type = SOCK_STREAM) noexcept;

// Closes the descriptor, if there is one. Requires that nothing waits on it.
void close_descriptor(socket& open) noexcept;

// bind(2) with address reuse, dual stack for ipv6. A port that is taken is not a failure yet.
[[nodiscard]] base::result<void> bind_socket(socket& bound, const ip_address& to) noexcept;

// bind(2) as it is, for datagrams: neither reuse nor a failure that is told later.
[[nodiscard]] base::result<void> bind_plainly(socket& bound, const ip_address& to) noexcept;

// getsockname(2) or getpeername(2). Requires an address of the socket's version.
[[nodiscard]] base::result<void>
socket_address(socket& of, site which, ip_address& into) noexcept;

} // namespace coring::io
