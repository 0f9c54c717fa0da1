// Verbs of the file system that are nothing but blocking calls: a plain struct with arguments,
// results and a function run(). Blocking mode calls run() on the spot, with the caller's
// strings; everybody else has a job made of it, which owns copies of them.
#pragma once

#include "io/call.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

namespace coring::io {

// What such a verb derives from: the paths it names, null if it names none.
struct on_paths {
    const char* path = nullptr;
    const char* destiny = nullptr;
};

// A verb on its way to a worker and back, with its paths behind it in the same block. A verb
// that owns something has a function release(), called once, for what nobody took.
template <typename Verb>
struct path_job final : call_job {
    static_assert(std::is_base_of_v<on_paths, Verb>);
    static_assert(std::is_trivially_copyable_v<Verb>);

    Verb verb;

    // Null when memory is short; then what the verb owns is still the caller's.
    [[nodiscard]] static path_job* make(loop::loop& on, const Verb& asked) noexcept {
        const std::size_t path_bytes = bytes_of(asked.path);
        const std::size_t destiny_bytes = bytes_of(asked.destiny);
        void* block = std::malloc(sizeof(path_job) + path_bytes + destiny_bytes);
        if (block == nullptr) {
            return nullptr;
        }
        auto* made = new (block) path_job{on, asked};
        char* behind = static_cast<char*>(block) + sizeof(path_job);
        made->verb.path = copy(behind, asked.path, path_bytes);
        made->verb.destiny = copy(behind + path_bytes, asked.destiny, destiny_bytes);
        return made;
    }

private:
    path_job(loop::loop& on, const Verb& asked) noexcept
        : call_job{on, run_verb, destroy_job}, verb{asked} {}

    static std::size_t bytes_of(const char* text) noexcept {
        return text == nullptr ? 0 : std::strlen(text) + 1;
    }

    static const char* copy(char* into, const char* text, std::size_t bytes) noexcept {
        return text == nullptr ? nullptr
                               : static_cast<const char*>(std::memcpy(into, text, bytes));
    }

    static int run_verb(call_job& job) noexcept {
        return static_cast<path_job&>(job).verb.run();
    }

    static void destroy_job(call_job& job) noexcept {
        auto& self = static_cast<path_job&>(job);
        if constexpr (requires { self.verb.release(); }) {
            self.verb.release();
        }
        std::free(&self); // plain data, with the paths behind it
    }
};

} // namespace coring::io
