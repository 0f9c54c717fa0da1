// What a new process does before it becomes its program. It runs in the memory of its parent,
// of which only one thread waits for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace coring::io {

// What a process has as standard input, output or error output.
struct standard_stream {
    enum class origin : std::uint8_t {
        inherited,   // the parent's of that number, open or closed
        null_device, // of the system
        given,       // `fd`, whose description others rely on
        socket,      // `fd`, of a socket we made: we do not care whether it blocks
    };

    origin from = origin::inherited;
    int fd = -1;
};

using standard_streams = std::array<standard_stream, 3>;

// All that the child needs, ready for use: it may neither allocate nor lock.
struct child_plan {
    const char* paths = nullptr;            // where the program may be, a zero behind each
    std::size_t path_count = 0;             // so many
    char* const* arguments = nullptr;       // of the program, its name first; null at the end
    const char** shell_arguments = nullptr; // for what the shell has to run: see run_child
    char* const* environment = nullptr;     // null at the end
    const char* directory = nullptr;        // to begin in; null: where the parent is
    standard_streams standard{};
    int failure = 0; // why there is no program: an errno
};

// The body of the process, for clone(2); `plan` is a child_plan. Requires that all signals are
// blocked. What is no program for the kernel is given to /bin/sh, as the second of the
// shell_arguments. Never returns: if it ends without a program, `failure` says why.
int run_child(void* plan) noexcept;

} // namespace coring::io
