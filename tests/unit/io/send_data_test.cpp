// Goal: what a waiting write keeps are exactly the bytes that are left of it, whatever is
// skipped, and its descriptor is closed once. Method: all ways to cut a row of parts; ends of
// pipes that tell whether they are still open.
#include "io/send_data.hpp"
#include "io/send_now.hpp"
#include "unit/support/network.hpp"

#include <fcntl.h>

namespace {

using namespace coring;
using namespace coring::support;

std::vector<iovec> parts_of(std::vector<std::string>& texts) {
    std::vector<iovec> parts;
    for (std::string& text : texts) {
        parts.push_back({text.data(), text.size()});
    }
    return parts;
}

TEST(send_data_test, parts_are_copied_from_where_the_kernel_left_off) {
    base::block_pool blocks;
    std::vector<std::string> texts{"abc", "", "d", "efgh", "", "ij"};
    const std::string whole = "abcdefghij";
    const std::vector<iovec> parts = parts_of(texts);
    for (std::size_t skipped = 0; skipped < whole.size(); ++skipped) {
        io::send_data* data = io::copy_parts(blocks, parts, skipped, whole.size() - skipped);
        ASSERT_NE(data, nullptr);
        EXPECT_EQ(data->rest(), whole.substr(skipped));
        EXPECT_EQ(data->copied, whole.size() - skipped);
        io::give_back(blocks, *data);
    }
}

TEST(send_data_test, a_copy_does_not_change_with_its_source) {
    base::block_pool blocks;
    std::string text = pattern(10'000);
    io::send_data* copy = io::copy_bytes(blocks, text);
    io::send_data* reference = io::refer_to_bytes(blocks, text);
    const std::string before = text;
    std::fill(text.begin(), text.end(), '!');
    EXPECT_TRUE(same(copy->rest(), before));
    EXPECT_EQ(reference->rest().data(), text.data());
    copy->gone(9'999);
    EXPECT_EQ(copy->rest(), before.substr(9'999));
    io::give_back(blocks, *copy);
    io::give_back(blocks, *reference);
}

TEST(send_data_test, a_descriptor_is_closed_once_whether_it_went_or_not) {
    base::block_pool blocks;
    for (const bool went : {false, true}) {
        io::send_data* data = io::copy_bytes(blocks, "x");
        data->passed = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        const int number = data->passed;
        if (went) {
            data->passed_on();
            EXPECT_EQ(data->passed, -1);
            EXPECT_EQ(::fcntl(number, F_GETFD), -1);
        }
        io::give_back(blocks, *data);
        EXPECT_EQ(::fcntl(number, F_GETFD), -1);
    }
}

class send_gathered_test : public networked {};

ON_ALL_ENGINES(send_gathered_test);

TEST_P(send_gathered_test, more_parts_than_one_call_takes_arrive_whole) {
    for (const bool local : {false, true}) {
        auto [ours, peer] = local ? connected_locally() : connected();
        std::vector<std::string> texts;
        std::string expected;
        for (unsigned at = 0; at < 5'000; ++at) {
            texts.push_back(pattern(at % 7 * 100, at));
            expected += texts.back();
        }
        const std::vector<iovec> parts = parts_of(texts);
        task& who = on.make("write");
        EXPECT_EQ(io::send_gathered_start(ours, on.reserve(who, io::send_type), parts,
                                          expected.size()),
                  0);
        for (std::string& text : texts) {
            std::fill(text.begin(), text.end(), '!');
        }
        shutdown(ours);
        EXPECT_TRUE(same(everything_at(peer), expected));
        on.run();
        EXPECT_EQ(who.result, 0);
    }
}

TEST_P(send_gathered_test, a_descriptor_goes_with_the_first_byte_of_its_turn) {
    auto [ours, peer] = connected_locally();
    const std::string filler = pattern(more_than_fits);
    write(ours, filler);
    base::unique_fd passed{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    task& who = on.make("pass");
    EXPECT_EQ(io::send_passing_start(ours, on.reserve(who, io::send_type), "last",
                                     io::source::stays, passed.get()),
              0);
    passed.reset(); // the caller's copy is not needed any more
    const std::size_t before = open_descriptors();
    shutdown(ours);
    EXPECT_TRUE(same(everything_at(peer), filler + "last"));
    on.run();
    EXPECT_EQ(who.result, 0);
    EXPECT_EQ(open_descriptors(), before - 1);
}

} // namespace
