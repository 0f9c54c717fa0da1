#include "io/host_name.hpp"

#include "base/errc.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <span>

namespace coring::io {

namespace {

constexpr char32_t first_beyond_ascii = 0x80;

// Text that grows in the room it is given, and remembers if that was not enough.
class output {
public:
    explicit output(std::span<char> room) noexcept : room_{room} {}

    void put(char letter) noexcept {
        if (used_ < room_.size()) {
            room_[used_] = letter;
        }
        ++used_;
    }

    void put(std::string_view text) noexcept {
        for (const char letter : text) {
            put(letter);
        }
    }

    [[nodiscard]] bool fits() const noexcept { return used_ <= room_.size(); }

    [[nodiscard]] std::string_view text() const noexcept { return {room_.data(), used_}; }

private:
    std::span<char> room_;
    std::size_t used_ = 0;
};

// --- UTF-8 ----------------------------------------------------------------------------------

constexpr char32_t malformed = UINT32_MAX;

// What the first byte of a character says: how many follow, its own bits, and the least
// character that needs as many bytes.
struct lead {
    unsigned following;
    char32_t bits;
    char32_t least;
};

lead lead_of(unsigned char byte) noexcept {
    if (byte < 0x80) {
        return {0, byte, 0};
    }
    if ((byte & 0xe0U) == 0xc0) {
        return {1, byte & 0x1fU, 0x80};
    }
    if ((byte & 0xf0U) == 0xe0) {
        return {2, byte & 0x0fU, 0x800};
    }
    if ((byte & 0xf8U) == 0xf0) {
        return {3, byte & 0x07U, 0x10000};
    }
    return {0, malformed, 0};
}

// Takes one character off the text, which is not empty.
char32_t take_character(std::string_view& text) noexcept {
    const lead first = lead_of(static_cast<unsigned char>(text.front()));
    text.remove_prefix(1);
    if (first.bits == malformed || text.size() < first.following) {
        return malformed;
    }
    char32_t found = first.bits;
    for (unsigned at = 0; at < first.following; ++at) {
        const auto byte = static_cast<unsigned char>(text.front());
        if ((byte & 0xc0U) != 0x80) {
            return malformed;
        }
        found = found << 6U | (byte & 0x3fU);
        text.remove_prefix(1);
    }
    const bool surrogate = found >= 0xd800 && found <= 0xdfff;
    return found < first.least || surrogate || found > 0x10ffff ? malformed : found;
}

// --- Punycode -------------------------------------------------------------------------------

// The parameters of RFC 3492, section 5, by its names.
constexpr std::uint32_t base_of_digits = 36;
constexpr std::uint32_t tmin = 1;
constexpr std::uint32_t tmax = 26;
constexpr std::uint32_t skew = 38;
constexpr std::uint32_t damp = 700;
constexpr std::uint32_t initial_bias = 72;

char digit(std::uint32_t value) noexcept {
    return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26));
}

std::uint32_t adapted(std::uint32_t delta, std::uint32_t points, bool first) noexcept {
    delta = first ? delta / damp : delta / 2;
    delta += delta / points;
    std::uint32_t steps = 0;
    while (delta > (base_of_digits - tmin) * tmax / 2) {
        delta /= base_of_digits - tmin;
        steps += base_of_digits;
    }
    return steps + (base_of_digits - tmin + 1) * delta / (delta + skew);
}

void put_number(output& to, std::uint32_t value, std::uint32_t bias) noexcept {
    for (std::uint32_t place = base_of_digits;; place += base_of_digits) {
        const std::uint32_t threshold =
            place <= bias ? tmin : std::clamp(place - bias, tmin, tmax);
        if (value < threshold) {
            break;
        }
        to.put(digit(threshold + (value - threshold) % (base_of_digits - threshold)));
        value = (value - threshold) / (base_of_digits - threshold);
    }
    to.put(digit(value));
}

// The least character of the label that is not below `from`.
char32_t least_from(std::span<const char32_t> label, char32_t from) noexcept {
    char32_t least = malformed;
    for (const char32_t each : label) {
        if (each >= from) {
            least = std::min(least, each);
        }
    }
    return least;
}

// No overflow: a label has at most 256 characters, and 256 times 0x10ffff is below 2^32.
void put_punycode(output& to, std::span<const char32_t> label) noexcept {
    std::uint32_t done = 0;
    for (const char32_t each : label) {
        if (each < first_beyond_ascii) {
            to.put(static_cast<char>(each));
            ++done;
        }
    }
    const std::uint32_t basic = done;
    if (basic > 0) {
        to.put('-');
    }
    std::uint32_t delta = 0;
    std::uint32_t bias = initial_bias;
    for (char32_t from = first_beyond_ascii; done < label.size(); ++from, ++delta) {
        const char32_t next = least_from(label, from);
        delta += (next - from) * (done + 1);
        from = next;
        for (const char32_t each : label) {
            if (each < from) {
                ++delta;
            } else if (each == from) {
                put_number(to, delta, bias);
                bias = adapted(delta, done + 1, done == basic);
                delta = 0;
                ++done;
            }
        }
    }
}

// --- names ----------------------------------------------------------------------------------

// The dots of ASCII and of East Asian scripts.
bool ends_label(char32_t character) noexcept {
    return character == U'.' || character == 0x3002 || character == 0xff0e ||
           character == 0xff61;
}

void put_label(output& to, std::span<const char32_t> label) noexcept {
    if (std::ranges::all_of(label, [](char32_t each) { return each < first_beyond_ascii; })) {
        for (const char32_t each : label) {
            to.put(static_cast<char>(each));
        }
        return;
    }
    to.put("xn--");
    put_punycode(to, label);
}

// Zero, or why the name cannot be converted.
int convert(std::string_view name, output& to) noexcept {
    std::array<char32_t, host_name_room> room{};
    std::size_t length = 0; // of the label
    while (!name.empty()) {
        const char32_t next = take_character(name);
        if (next == malformed) {
            return base::invalid_character;
        }
        if (ends_label(next)) {
            put_label(to, {room.data(), length});
            to.put('.');
            length = 0;
        } else if (length == room.size()) {
            return EINVAL;
        } else {
            room[length++] = next;
        }
    }
    put_label(to, {room.data(), length});
    return 0;
}

} // namespace

base::result<std::string_view>
host_name_in_ascii(std::string_view name, std::array<char, host_name_room>& room) noexcept {
    output converted{{room.data(), room.size() - 1}};
    const int refused = name.empty() ? EINVAL : convert(name, converted);
    if (refused != 0) {
        return base::failure{refused};
    }
    if (!converted.fits()) {
        return base::failure{EINVAL};
    }
    const std::string_view text = converted.text();
    room[text.size()] = '\0';
    return text;
}

} // namespace coring::io
