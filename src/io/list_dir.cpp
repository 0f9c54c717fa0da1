#include "io/list_dir.hpp"

#include "base/unique_fd.hpp"
#include "io/kernel_call.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>

namespace coring::io {

namespace {

constexpr std::size_t read_bytes = std::size_t{64} << 10U;
constexpr std::size_t first_names = 1024;
constexpr std::size_t first_places = 64;

struct freed {
    void operator()(void* block) const noexcept { std::free(block); }
};

// Collects entries in blocks that double.
class name_collector {
public:
    // False when memory is short.
    [[nodiscard]] bool add(unsigned char type, const char* name) noexcept {
        const std::size_t size = std::strlen(name) + 2;
        if (!make_room(size)) {
            return false;
        }
        places_.get()[count_++] = static_cast<std::uint32_t>(used_);
        char* entry = names_.get() + used_;
        entry[0] = static_cast<char>(type);
        std::memcpy(entry + 1, name, size - 1);
        used_ += size;
        return true;
    }

    void sort() noexcept {
        const char* names = names_.get();
        std::sort(places_.get(), places_.get() + count_,
                  [names](std::uint32_t left, std::uint32_t right) {
                      return std::strcmp(names + left + 1, names + right + 1) < 0;
                  });
    }

    // Gives the blocks away.
    [[nodiscard]] name_list take() noexcept {
        return {names_.release(), places_.release(), count_};
    }

private:
    [[nodiscard]] bool make_room(std::size_t size) noexcept {
        if (used_ + size > UINT32_MAX || count_ == UINT32_MAX) {
            return false;
        }
        return grow(names_, names_room_, used_ + size, first_names) &&
               grow(places_, places_room_, std::size_t{count_} + 1, first_places);
    }

    template <typename Item>
    [[nodiscard]] static bool grow(std::unique_ptr<Item, freed>& block,
                                   std::size_t& room,
                                   std::size_t needed,
                                   std::size_t first) noexcept {
        if (needed <= room) {
            return true;
        }
        std::size_t wanted = room == 0 ? first : room;
        while (wanted < needed) {
            wanted *= 2;
        }
        void* moved = std::realloc(block.get(), wanted * sizeof(Item));
        if (moved == nullptr) {
            return false;
        }
        static_cast<void>(block.release());
        block.reset(static_cast<Item*>(moved));
        room = wanted;
        return true;
    }

    std::unique_ptr<char, freed> names_;
    std::unique_ptr<std::uint32_t, freed> places_;
    std::size_t names_room_ = 0;
    std::size_t places_room_ = 0;
    std::size_t used_ = 0;
    std::uint32_t count_ = 0;
};

bool is_dots(const char* name) noexcept {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int add_all(name_collector& names, const char* buffer, std::size_t size) noexcept {
    for (std::size_t at = 0; at < size;) {
        const auto* entry = static_cast<const dirent64*>(static_cast<const void*>(buffer + at));
        if (!is_dots(entry->d_name) && !names.add(entry->d_type, entry->d_name)) {
            return -ENOMEM;
        }
        at += entry->d_reclen;
    }
    return 0;
}

// The descriptor is closed when this returns, before anything is sorted.
int read_all(const char* path, name_collector& names) noexcept {
    const int opened =
        kernel_call([path] { return ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (opened < 0) {
        return opened;
    }
    const base::unique_fd directory{opened};
    const std::unique_ptr<char, freed> buffer{static_cast<char*>(std::malloc(read_bytes))};
    if (buffer == nullptr) {
        return -ENOMEM;
    }
    for (;;) {
        const ssize_t got = kernel_call(
            [&] { return ::getdents64(directory.get(), buffer.get(), read_bytes); });
        if (got <= 0) {
            return static_cast<int>(got);
        }
        if (const int failed = add_all(names, buffer.get(), static_cast<std::size_t>(got));
            failed != 0) {
            return failed;
        }
    }
}

} // namespace

void name_list::release() noexcept {
    std::free(bytes);
    std::free(order);
    *this = {};
}

int list_call::run() noexcept {
    name_collector names;
    if (const int failed = read_all(path, names); failed != 0) {
        return failed;
    }
    names.sort();
    found = names.take();
    return 0;
}

} // namespace coring::io
