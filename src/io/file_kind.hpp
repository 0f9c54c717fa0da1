// What lies behind a file's descriptor, as far as the verbs care: whether it is waited for by
// readiness or by a worker, and what its file system never waits for.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace coring::io {

enum class file_kind : std::uint8_t {
    stored,  // regular files, directories, block devices: never ready or not ready
    flowing, // FIFOs, terminals and other devices that can be polled
};

struct file_traits {
    file_kind kind = file_kind::stored;
    bool local = false;     // opening and closing wait for nobody else: no server, no daemon
    bool in_memory = false; // neither do reads and writes: there is no device
    bool writable = false;
    bool appends = false; // opened to append
    bool synced = false;  // each write waits for the device
};

// The traits of an open descriptor. Learns about its file system, which may block: for workers,
// and for blocking mode.
[[nodiscard]] file_traits look_closely(int fd) noexcept;

// What is known of the file system on this device without asking it. The table is the
// process's; a file system is learned of when a file of it was opened on a worker.
struct known_file_system {
    bool known = false;
    bool local = false;
    bool in_memory = false;
};

[[nodiscard]] known_file_system known_device(unsigned major, unsigned minor) noexcept;

// Learns about the file system of this file, which may block.
void learn_device_of(int fd) noexcept;

} // namespace coring::io
