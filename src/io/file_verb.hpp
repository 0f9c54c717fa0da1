// Verbs that are nothing but blocking calls, on an open file: the plain structs of path_job.hpp
// as work that holds the file.
#pragma once

#include "io/file_work.hpp"

#include <new>
#include <type_traits>

namespace coring::io {

template <typename Verb>
struct file_verb : file_work {
    static_assert(std::is_trivially_copyable_v<Verb>);

    Verb verb;

    // Null when memory is short.
    [[nodiscard]] static file_verb*
    make(file& of, file_order order, const Verb& asked) noexcept {
        void* block = allocate_work(sizeof(file_verb), 0);
        return block != nullptr ? new (block) file_verb{of, order, asked} : nullptr;
    }

private:
    file_verb(file& of_it, file_order order_of_it, const Verb& asked) noexcept
        : file_work{of_it, order_of_it, run, end, run_on_worker}, verb{asked} {
        verb.fd = of_it.fd;
    }

    static int run(call_job& job) noexcept {
        return static_cast<file_verb&>(static_cast<file_work&>(job)).verb.run();
    }

    static void end(call_job& job) noexcept { destroy_work(static_cast<file_work&>(job)); }
};

} // namespace coring::io
