// Goal: names become what the resolver wants, and nothing else gets through. Method: the sample
// strings of RFC 3492 (7.1) and names with known forms; texts that are no UTF-8; names at the
// limit of length.
#include "base/errc.hpp"
#include "io/host_name.hpp"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace coring;

std::string ascii(std::string_view name) {
    std::array<char, io::host_name_room> room{};
    room.fill('#');
    auto converted = io::host_name_in_ascii(name, room);
    if (!converted) {
        return "failed: " + std::to_string(converted.error());
    }
    EXPECT_EQ(converted.value().data(), room.data());
    EXPECT_EQ(room[converted.value().size()], '\0');
    return std::string{converted.value()};
}

const std::string invalid = "failed: " + std::to_string(EINVAL);
const std::string no_text = "failed: " + std::to_string(base::invalid_character);

TEST(host_name, ascii_stays_as_it_is) {
    for (const char* name : {"localhost", "WWW.Example.TEST", "127.0.0.1", "::1", "a..b", ".",
                             "fe80::1%eth0", "under_score", "trailing.", "-", "*"}) {
        EXPECT_EQ(ascii(name), name);
    }
}

TEST(host_name, other_letters_are_converted_label_by_label) {
    EXPECT_EQ(ascii("bücher.example"), "xn--bcher-kva.example");
    EXPECT_EQ(ascii("www.bücher.bücher.example"), "www.xn--bcher-kva.xn--bcher-kva.example");
    EXPECT_EQ(ascii("ü"), "xn--tda");
    EXPECT_EQ(ascii("faß.de"), "xn--fa-hia.de");
    EXPECT_EQ(ascii("münchen-ost"), "xn--mnchen-ost-9db");
}

TEST(host_name, the_samples_of_the_standard) {
    EXPECT_EQ(ascii("他们为什么不说中文"), "xn--ihqwcrb4cv8a8dqg056pqjye");
    EXPECT_EQ(ascii("他們爲什麽不說中文"), "xn--ihqwctvzc91f659drss3x8bo0yb");
    EXPECT_EQ(ascii("Pročprostěnemluvíčesky"), "xn--proprostnemluvesky-uyb24dma41a");
    EXPECT_EQ(ascii("почемужеонинеговорятпорусски"), "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l");
    EXPECT_EQ(ascii("3年B組金八先生"), "xn--3b-ww4c5e180e575a65lsy2b");
    EXPECT_EQ(ascii("-> $1.00 <-"), "-> $1.00 <-");
}

TEST(host_name, characters_beyond_the_first_plane_are_converted) {
    EXPECT_EQ(ascii("\xF0\x9F\x92\xA9.la"), "xn--ls8h.la");
}

TEST(host_name, the_dots_of_east_asia_separate_labels) {
    EXPECT_EQ(ascii("a。b．c｡ü"), "a.b.c.xn--tda");
}

TEST(host_name, what_is_no_text_is_refused) {
    for (const char* name : {"\x80", "a\xC3", "\xC3(", "\xC0\x80", "\xE0\x80\x80",
                             "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF",
                             "b\xFC"
                             "cher",
                             "\xE2\x82", "\xF0\x82\x82\xAC"}) {
        EXPECT_EQ(ascii(name), no_text) << testing::PrintToString(std::string{name});
    }
}

TEST(host_name, a_name_has_1_to_255_bytes_in_ascii) {
    EXPECT_EQ(ascii(""), invalid);
    EXPECT_EQ(ascii(std::string(255, 'x')), std::string(255, 'x'));
    EXPECT_EQ(ascii(std::string(256, 'x')), invalid);
    EXPECT_EQ(ascii(std::string(100000, 'x')), invalid);
    std::string long_in_ascii;
    for (int label = 0; label < 36; ++label) {
        long_in_ascii += "ü.";
    }
    EXPECT_EQ(ascii(long_in_ascii), invalid); // 36 times 8 bytes
    EXPECT_EQ(ascii(long_in_ascii.substr(0, 3 * 31)).size(), 31U * 8);
}

TEST(host_name, characters_that_no_name_may_have_are_refused) {
    EXPECT_EQ(ascii("a\xF4\x8F\xBF\xBF"), no_text);
    std::string only_greatest;
    for (int at = 0; at < 400; ++at) {
        only_greatest += "\xF4\x8F\xBF\xBF";
    }
    EXPECT_EQ(ascii(only_greatest), invalid);
}

TEST(host_name, letters_are_mapped_as_lookups_want_them) {
    EXPECT_EQ(ascii("BÜCHER.Example"), "xn--bcher-kva.example");
    EXPECT_EQ(ascii("Plain.Example"), "Plain.Example"); // ASCII is the resolver's own affair
}

} // namespace
