#include "io/host_name.hpp"

#include "base/errc.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <idn2.h>

namespace coring::io {

namespace {

bool is_ascii(std::string_view text) noexcept {
    return std::ranges::all_of(
        text, [](char each) { return static_cast<unsigned char>(each) < 0x80; });
}

int errno_of(int code) noexcept {
    switch (code) {
    case IDN2_MALLOC:
        return ENOMEM;
    case IDN2_TOO_BIG_DOMAIN:
    case IDN2_TOO_BIG_LABEL:
        return EINVAL;
    default:
        return base::invalid_character;
    }
}

} // namespace

base::result<std::string_view>
host_name_in_ascii(std::string_view name, std::array<char, host_name_room>& room) noexcept {
    if (name.empty() || name.size() >= room.size()) {
        return base::failure{EINVAL};
    }
    std::memcpy(room.data(), name.data(), name.size());
    room[name.size()] = '\0';
    if (is_ascii(name)) {
        return std::string_view{room.data(), name.size()};
    }
    char* converted = nullptr;
    int code = idn2_to_ascii_8z(room.data(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (code == IDN2_DISALLOWED) { // by the younger standard; names of the older one live on
        code = idn2_to_ascii_8z(room.data(), &converted, IDN2_NFC_INPUT | IDN2_TRANSITIONAL);
    }
    if (code != IDN2_OK) {
        return base::failure{errno_of(code)};
    }
    const std::size_t size = std::strlen(converted);
    const bool fits = size < room.size();
    if (fits) {
        std::memcpy(room.data(), converted, size + 1);
    }
    idn2_free(converted);
    return fits ? base::result<std::string_view>{std::string_view{room.data(), size}}
                : base::failure{EINVAL};
}

} // namespace coring::io
