#include "io/memory_limit.hpp"

#include "io/line_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <unistd.h>

namespace coring::io {

namespace {

constexpr std::size_t longest_path = 4096;

// Where the process is in a hierarchy, counted from that hierarchy's root. Empty if it is not
// in it.
struct group_path {
    std::array<char, longest_path> text{};

    void set(std::string_view path) noexcept {
        path = path.substr(0, text.size() - 1);
        *std::copy(path.begin(), path.end(), text.begin()) = '\0';
    }

    [[nodiscard]] std::string_view get() const noexcept { return text.data(); }
};

struct groups {
    group_path first; // the hierarchy of version 1 that limits memory
    group_path second;
};

// What version 1 says where nothing is limited: all pages that a signed number can count.
std::int64_t no_limit() noexcept {
    const std::int64_t page = ::sysconf(_SC_PAGESIZE);
    return INT64_MAX / page * page;
}

// Whether a list with commas has the word.
bool lists(std::string_view list, std::string_view word) noexcept {
    while (!list.empty()) {
        const std::size_t length = std::min(list.find(','), list.size());
        if (list.substr(0, length) == word) {
            return true;
        }
        list.remove_prefix(std::min(length + 1, list.size()));
    }
    return false;
}

// Lines of the form "hierarchy:controllers:path"; version 2 has no controllers there.
void read_groups(const char* path, groups& found) noexcept {
    line_reader reader;
    if (reader.open(path) != 0) {
        return;
    }
    for (std::string_view line; reader.next(line);) {
        const std::size_t first = line.find(':');
        const std::size_t second =
            first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) {
            continue;
        }
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string_view place = line.substr(second + 1);
        if (controllers.empty()) {
            found.second.set(place);
        } else if (lists(controllers, "memory")) {
            found.first.set(place);
        }
    }
}

// A line of mountinfo, as far as it matters.
struct mount {
    std::string_view root;
    std::string_view point;
    std::string_view type;
    std::string_view options;
};

// "id parent device root point options [more…] - type source options"
mount parse_mount(std::string_view line) noexcept {
    mount found;
    for (int skipped = 0; skipped < 3; ++skipped) {
        static_cast<void>(take_word(line));
    }
    found.root = take_word(line);
    found.point = take_word(line);
    while (!line.empty() && take_word(line) != "-") {
    }
    found.type = take_word(line);
    static_cast<void>(take_word(line));
    found.options = take_word(line);
    return found;
}

// Where the group is below the root of what is mounted. A group outside of it cannot be seen,
// and what is mounted is then the best that can be said.
std::string_view below(std::string_view root, std::string_view place) noexcept {
    if (root == "/") {
        root = {};
    }
    if (!place.starts_with(root) || place.find("/..") != std::string_view::npos) {
        return {};
    }
    place.remove_prefix(root.size());
    return place.starts_with('/') && place != "/" ? place : std::string_view{};
}

// The number in a group's file. -1 if there is none.
std::int64_t read_limit(const char* path) noexcept {
    line_reader reader;
    std::string_view line;
    if (reader.open(path) != 0 || !reader.next(line)) {
        return -1;
    }
    std::int64_t number = -1;
    if (line == "max") {
        return no_limit();
    }
    return leading_number(line, number) ? number : -1;
}

// The smallest limit from the group up to the top of what is mounted. -1 if none tells.
std::int64_t
smallest_limit(std::string_view top, std::string_view place, const char* file) noexcept {
    std::int64_t smallest = -1;
    while (true) {
        std::array<char, 2 * longest_path> path{};
        const int size =
            std::snprintf(path.data(), path.size(), "%.*s%.*s/%s", static_cast<int>(top.size()),
                          top.data(), static_cast<int>(place.size()), place.data(), file);
        const bool fits = size > 0 && static_cast<std::size_t>(size) < path.size();
        if (const std::int64_t limit = fits ? read_limit(path.data()) : -1; limit >= 0) {
            smallest = smallest < 0 ? limit : std::min(smallest, limit);
        }
        if (place.empty()) {
            return smallest;
        }
        place = place.substr(0, place.find_last_of('/'));
    }
}

} // namespace

std::int64_t memory_limit_bytes(const memory_limit_sources& from) noexcept {
    groups mine;
    read_groups(from.groups, mine);
    line_reader reader;
    if (reader.open(from.mounts) != 0) {
        return 0;
    }
    std::int64_t smallest = -1;
    for (std::string_view line; reader.next(line);) {
        const mount each = parse_mount(line);
        std::int64_t limit = -1;
        if (each.type == "cgroup2" && !mine.second.get().empty()) {
            limit =
                smallest_limit(each.point, below(each.root, mine.second.get()), "memory.max");
        } else if (each.type == "cgroup" && lists(each.options, "memory") &&
                   !mine.first.get().empty()) {
            limit = smallest_limit(each.point, below(each.root, mine.first.get()),
                                   "memory.limit_in_bytes");
        }
        if (limit >= 0) {
            smallest = smallest < 0 ? limit : std::min(smallest, limit);
        }
    }
    return std::max<std::int64_t>(smallest, 0);
}

} // namespace coring::io
