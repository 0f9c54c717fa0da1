// A connected, or connectable, stream socket: who reads it, who writes it in which order, and
// how it is closed with all of them in flight.
#pragma once

#include "io/socket.hpp"
#include "op/operation.hpp"

namespace coring::io {

// A stream socket and the line of its writers, which must not move while somebody stands in it.
struct stream : socket {
    op::operation_list behind; // writers and shutdowns that wait for `writer` to end
};

// Refusals that need no kernel: zero, or the errno with which the call fails at once.
[[nodiscard]] int refuses_read(const stream& from) noexcept;
[[nodiscard]] int refuses_write(const stream& to) noexcept;
[[nodiscard]] int refuses_shutdown(const stream& of) noexcept;
[[nodiscard]] int refuses_connect(const stream& of) noexcept;

// Makes an accepted or received descriptor a connected stream. Takes ownership of it.
void adopt_descriptor(stream& closed, int fd) noexcept;

// Stands in the line of writers. True: it is this operation's turn now, and the caller starts
// it.
[[nodiscard]] bool enter_line(stream& to, op::operation& armed) noexcept;

// The operation at the head of the line has ended: the next one's turn.
void leave_line(stream& to, op::operation& ended) noexcept;

// Ends everything that stands in the line, with ECANCELED: the connection never came about.
void cancel_line(stream& to) noexcept;

// Closes the stream: tries queued writes once, since bytes that the kernel would have taken by
// now are not dropped; withdraws its operations; closes the descriptor; all before it returns.
// Writers and connectors that were cut short end canceled in the next turn. The reader, if any,
// is taken out, ready, and returned for the caller to deliver.
[[nodiscard]] op::operation* close_stream(stream& open) noexcept;

// As close_stream(), for a state that is closing: the reader is dropped.
void drop_stream(stream& open) noexcept;

// Calls `visit` with each write and shutdown that has not ended.
template <typename Visitor>
void for_each_in_line(stream& of, Visitor visit) noexcept {
    if (of.writer != nullptr) {
        visit(*of.writer);
    }
    of.behind.for_each(visit);
}

// Whether abandoned writes are still to finish.
[[nodiscard]] bool outlives_object(const stream& abandoned) noexcept;

// The object that held the stream is gone. With abandoned writes still to finish, the stream
// goes on in memory of its own until they have; else it is closed. Requires an open stream.
void release_stream(stream& abandoned) noexcept;

} // namespace coring::io
