// One file descriptor as the engines see it: who waits for which direction. Objects of src/io
// that own a descriptor begin with this.
#pragma once

namespace coring::op {

struct operation;

// Requires to stay in place while registered or waited on; an owner that moves tells the
// engine. The readiness bits belong to the readiness engine: set by its events, cleared by
// whoever found the descriptor empty or full. The ring asks the kernel anew each time and
// ignores them.
struct descriptor {
    int fd = -1;
    bool registered = false; // with the readiness engine
    bool readable = false;
    bool writable = false;
    bool hung_up = false; // the peer ended or failed: readable stays true
    operation* reader =
        nullptr; // the operation that takes from it; set and cleared by its verb
    operation* writer = nullptr; // the operation that gives to it, first of its kind in line

    // A receive took less than asked for, or found nothing: the next byte makes a new event.
    void drained() noexcept { readable = hung_up; }

    // A send was refused for lack of room: the next room makes a new event.
    void filled() noexcept { writable = hung_up; }
};

} // namespace coring::op
