#include "io/program_search.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <new>
#include <string_view>

#include <unistd.h> // confstr

namespace coring::io {

namespace {

constexpr std::string_view variable = "PATH=";

// The directories where the system itself would look.
using default_room = std::array<char, 256>;

std::string_view default_directories(default_room& room) noexcept {
    const std::size_t size = ::confstr(_CS_PATH, room.data(), room.size());
    return size == 0 || size > room.size() ? std::string_view{} : room.data();
}

std::string_view directories(char* const* environment, default_room& room) noexcept {
    for (; *environment != nullptr; ++environment) {
        const std::string_view each{*environment};
        if (each.substr(0, variable.size()) == variable) {
            return each.substr(variable.size());
        }
    }
    return default_directories(room);
}

char* put(char* at, std::string_view text) noexcept {
    return std::copy(text.begin(), text.end(), at);
}

} // namespace

base::result<program_paths> program_paths::of(const char* file,
                                              char* const* environment) noexcept {
    const std::string_view name{file};
    const bool is_path = name.empty() || name.find('/') != std::string_view::npos;
    default_room room{};
    std::string_view rest = is_path ? std::string_view{} : directories(environment, room);
    const auto most = static_cast<std::size_t>(std::ranges::count(rest, ':')) + 1;
    program_paths found;
    found.texts_.reset(new (std::nothrow) char[rest.size() + most * (name.size() + 2)]);
    if (found.texts_ == nullptr) {
        return base::failure{ENOMEM};
    }
    char* at = found.texts_.get();
    for (std::size_t each = 0; each < most; ++each) {
        const std::string_view directory = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
        if (!is_path && directory.size() + 1 + name.size() >= PATH_MAX) {
            continue;
        }
        at = put(at, directory);
        at = put(at, directory.empty() ? "" : "/");
        at = put(at, name);
        *at++ = '\0';
        ++found.count_;
    }
    return found;
}

} // namespace coring::io
