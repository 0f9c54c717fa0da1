// Manual: system.execute, fields stdin, stdout and stderr. Behaviour 9.2.
#pragma once

#include "base/unique_fd.hpp"
#include "io/local.hpp"
#include "io/spawn.hpp"
#include "lua/file.hpp"
#include "lua/vm/scheduler.hpp"

#include <array>
#include <cstdio>

namespace coring::lua {

// What one field asks for. Points into userdata, which somebody else keeps.
struct stream_choice {
    enum class kind : std::uint8_t { inherited, discarded, file, socket, our_file, created };

    kind of = kind::inherited;
    bool readable = false; // created: by us
    bool writable = false;
    luaL_Stream* file = nullptr;
    io::stream* socket = nullptr;         // given, or created; terminals too
    const file_block* our_file = nullptr; // for a standard stream of ours
};

inline constexpr std::size_t standard_count = std::tuple_size_v<io::standard_streams>;
using stream_choices = std::array<stream_choice, standard_count>;

// Reads the field of the table at 1, and raises for what cannot be a stream. A stream to be
// created is: it takes the place of the string in the field, and has no descriptor yet. What is
// chosen is left at the stack index `place`.
[[nodiscard]] stream_choice
check_stream_field(lua_State* L, vm::scheduler& on, const char* field, int place);

// The descriptors behind the choices, from when they are looked up until the child has them.
class stream_ends {
public:
    // Makes what has to be made. Zero, or an errno: EINVAL for a stream or file that was closed
    // or has no descriptor. No Lua runs in it, so what was found stays valid.
    [[nodiscard]] int open(const stream_choices& chosen) noexcept;

    [[nodiscard]] const io::standard_streams& of_child() const noexcept { return for_child_; }

    // The child is there: the streams that were created become connected to it.
    void connect(const stream_choices& chosen) noexcept;

private:
    [[nodiscard]] int open_one(const stream_choice& chosen, std::size_t place) noexcept;
    [[nodiscard]] int open_pair(std::size_t place) noexcept;

    io::standard_streams for_child_{};
    std::array<base::unique_fd, standard_count> near_;
    std::array<base::unique_fd, standard_count> far_;
};

} // namespace coring::lua
