// What went wrong, as a number and as words. There are two domains: errno values of Linux, and
// pseudo codes for what has no errno (end of file, answers of the resolver). They share one
// number line, so one positive integer says it all; the words are those programs already know.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace coring::base {

// Pseudo codes outside errno's range; the numbers are part of what programs see.
inline constexpr int end_of_file = 4095;
inline constexpr int unknown_error = 4094;
inline constexpr int invalid_character = 4080;
inline constexpr int wrong_file_type = 4028;

// Pseudo codes of the resolver.
inline constexpr int resolver_no_family_address = 3000;
inline constexpr int resolver_temporary = 3001;
inline constexpr int resolver_bad_flags = 3002;
inline constexpr int resolver_canceled = 3003;
inline constexpr int resolver_permanent = 3004;
inline constexpr int resolver_bad_family = 3005;
inline constexpr int resolver_no_memory = 3006;
inline constexpr int resolver_no_address = 3007;
inline constexpr int resolver_no_name = 3008;
inline constexpr int resolver_overflow = 3009;
inline constexpr int resolver_bad_service = 3010;
inline constexpr int resolver_bad_socket_type = 3011;
inline constexpr int resolver_bad_hints = 3013;
inline constexpr int resolver_bad_protocol = 3014;

// Room for the text of the longest number the table does not know.
inline constexpr std::size_t error_text_room = 32;

// The message of a code. Requires code > 0 and error_text_room bytes of scratch. Ensures that
// the text lives as long as the program, or, for a code the table does not know, as long as
// scratch, where it is then built. Any thread; no allocation.
[[nodiscard]] std::string_view error_text(int code, std::span<char> scratch) noexcept;

// The pseudo code of an answer of getaddrinfo or getnameinfo (EAI_*, negative in glibc).
// Requires that it is neither 0 nor EAI_SYSTEM: the latter means errno, which only its caller
// can read.
[[nodiscard]] int resolver_code(int eai) noexcept;

} // namespace coring::base
