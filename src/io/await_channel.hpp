// Waiting at one end of a meeting point. What it gets is in the operation until the results
// were taken.
#pragma once

#include "base/intrusive_list.hpp"
#include "loop/loop.hpp"
#include "threadpool/rendezvous.hpp"

#include <cstdint>
#include <string_view>

namespace coring::io {

extern const op::operation_type await_channel_type;

// What is used through one object of the program: at most one operation waits there. Its loop
// knows all that are open, and closes those that are left when it ends: objects that a state
// makes while it closes have no finalizers.
struct channel : base::list_link {
    threadpool::meeting_point* at = nullptr; // null: closed
    op::operation* waiting = nullptr;        // until its results were taken
};

// False when memory is short; it is closed then. It stays in place while it is open.
[[nodiscard]] bool
channel_open(loop::loop& on, channel& closed, std::string_view name) noexcept;

// Requires that it is open and that nobody waits.
void channel_close(channel& open) noexcept;

// One wait, made before the operation is: what it needs may be short. Not yet waiting.
struct channel_wait;

// Requires loop.open_mailbox() succeeded. Null when memory is short. `brings` is the wait's own
// from line_up() on.
[[nodiscard]] channel_wait* channel_wait_make(loop::loop& on,
                                              threadpool::endpoint end,
                                              threadpool::parcel& brings) noexcept;

// Ends one that is not in line.
void channel_wait_discard(channel_wait& unused) noexcept;

// Puts it in line. False: somebody waits whom it can be matched with; nothing has changed.
// Requires that nobody else waits on the channel; await_channel_start() must follow.
[[nodiscard]] bool channel_wait_line_up(channel& on, channel_wait& coming) noexcept;

// The operation waits for the match from now on. The channel stays in place while it does.
void await_channel_start(channel& on, op::operation& idle, channel_wait& in_line) noexcept;

// What the operation got, until it is released.
[[nodiscard]] const base::message& channel_values(const op::operation& delivered) noexcept;

// Ends the wait because the channel is closed. True: the operation is ready, on no list, for
// the caller to deliver. False: a match came first and will be delivered; the channel is free.
[[nodiscard]] bool await_channel_cancel(channel& closing) noexcept;

// How many operations of this loop wait for a match: nothing but other states can end those.
[[nodiscard]] std::uint32_t channel_waits(loop::loop& on) noexcept;

} // namespace coring::io
