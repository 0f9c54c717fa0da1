// Goal: lines come one by one, whatever lies between them and however long they are.
// Method: files of all the shapes there are around the size of the buffer.
#include "io/line_reader.hpp"
#include "unit/support/files.hpp"

#include <cerrno>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace coring::io;

std::vector<std::string> lines_of(const std::string& text) {
    const coring::support::own_directory directory;
    line_reader reader;
    EXPECT_EQ(reader.open(directory.write("text", text).c_str()), 0);
    std::vector<std::string> lines;
    for (std::string_view line; reader.next(line);) {
        lines.emplace_back(line);
    }
    return lines;
}

using list = std::vector<std::string>;

TEST(line_reader, lines_come_without_their_ends) {
    EXPECT_EQ(lines_of("one\ntwo\n\nfour\n"), (list{"one", "two", "", "four"}));
}

TEST(line_reader, the_last_line_needs_no_end) {
    EXPECT_EQ(lines_of("one\ntwo"), (list{"one", "two"}));
    EXPECT_EQ(lines_of(""), list{});
    EXPECT_EQ(lines_of("\n"), list{""});
}

TEST(line_reader, lines_of_every_length_around_the_buffers_size_come_whole_or_cut) {
    constexpr std::size_t room = line_reader::longest_line;
    for (const std::size_t length : {room - 2, room - 1, room, room + 1, 2 * room, 5 * room}) {
        const std::string line(length, 'x');
        const std::string seen = line.substr(0, room);
        EXPECT_EQ(lines_of("a\n" + line + "\nb\n"), (list{"a", seen, "b"})) << length;
        EXPECT_EQ(lines_of(line + "\nb"), (list{seen, "b"})) << length;
        EXPECT_EQ(lines_of(line), list{seen}) << length;
    }
}

TEST(line_reader, many_lines_pass_through_the_buffer) {
    std::string text;
    list expected;
    for (int number = 0; number < 5000; ++number) {
        expected.push_back(std::to_string(number));
        text += expected.back() + "\n";
    }
    EXPECT_EQ(lines_of(text), expected);
}

TEST(line_reader, what_cannot_be_opened_or_read_says_so_or_is_empty) {
    line_reader absent;
    EXPECT_EQ(absent.open("/nowhere/at/all"), ENOENT);
    line_reader directory;
    ASSERT_EQ(directory.open("/"), 0);
    std::string_view line;
    EXPECT_FALSE(directory.next(line));
}

TEST(line_reader, numbers_are_read_from_the_front) {
    std::int64_t number = -1;
    EXPECT_TRUE(leading_number(" \t 2596.148", number));
    EXPECT_EQ(number, 2596);
    EXPECT_TRUE(leading_number("9223372036854771712", number));
    EXPECT_EQ(number, 9223372036854771712);
    for (const char* text : {"", "  ", "max", "x1", "99999999999999999999"}) {
        EXPECT_FALSE(leading_number(text, number)) << text;
    }
}

TEST(line_reader, words_are_taken_with_the_blanks_around_them) {
    std::string_view text = "  one\t two  ";
    EXPECT_EQ(take_word(text), "one");
    EXPECT_EQ(text, "two  ");
    EXPECT_EQ(take_word(text), "two");
    EXPECT_EQ(take_word(text), "");
    EXPECT_TRUE(text.empty());
}

TEST(line_reader, a_file_of_one_number_is_that_number) {
    const coring::support::own_directory directory;
    EXPECT_EQ(number_in_file(directory.write("good", "2600000\n").c_str()), 2600000);
    EXPECT_EQ(number_in_file(directory.write("bad", "<unknown>\n").c_str()), -EINVAL);
    EXPECT_EQ(number_in_file(directory.write("empty", "").c_str()), -EINVAL);
    EXPECT_EQ(number_in_file("/nowhere"), -ENOENT);
}

} // namespace
