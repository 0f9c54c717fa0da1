// Where the program of a new process may be, in the order in which to try. (Behaviour 9.2;
// POSIX: exec, PATH.)
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <memory>

namespace coring::io {

// A list of paths. It is made before the process is, which may then not allocate.
class program_paths {
public:
    // A name without a slash is looked for in the directories of the environment's PATH, or in
    // the system's own where that has none; an empty directory means the present one. What is
    // too long to be a path is left out.
    [[nodiscard]] static base::result<program_paths> of(const char* file,
                                                        char* const* environment) noexcept;

    // So many texts, a zero behind each.
    [[nodiscard]] const char* texts() const noexcept { return texts_.get(); }

    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    std::unique_ptr<char[]> texts_;
    std::size_t count_ = 0;
};

} // namespace coring::io
