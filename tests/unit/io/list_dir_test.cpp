// Goal: a list holds every entry once, in the order of the bytes of names, however long; and
// nothing after a failure. Method: directories made for the purpose.
#include "io/list_dir.hpp"
#include "io/make_temp.hpp"
#include "io/path_ops.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <dirent.h>
#include <gtest/gtest.h>

namespace {

using namespace coring;

class list_dir_test : public testing::Test {
protected:
    void SetUp() override {
        io::make_temp_call temporary;
        temporary.path = "/tmp/list_dir_test-";
        ASSERT_EQ(temporary.run(), 0);
        EXPECT_EQ(temporary.take(), -1);
        root = temporary.name.data();
    }

    void TearDown() override {
        for (const std::string& name : names) {
            EXPECT_EQ((io::remove_call{{at(name).c_str()}, io::remove_kind::directory}.run()),
                      0);
        }
        EXPECT_EQ((io::remove_call{{root.c_str()}, io::remove_kind::directory}.run()), 0);
    }

    [[nodiscard]] std::string at(const std::string& name) const { return root + "/" + name; }

    void make(std::string name) {
        ASSERT_EQ((io::make_directory_call{{at(name).c_str()}, 0700}.run()), 0);
        names.push_back(std::move(name));
    }

    std::string root;
    std::vector<std::string> names;
};

TEST_F(list_dir_test, names_of_all_lengths_come_in_the_order_of_bytes) {
    for (std::size_t size = 1; size <= 255; ++size) {
        make(std::string(size, static_cast<char>('a' + size % 26)));
        make(std::string(1, static_cast<char>(0x80 + size % 64)) + std::to_string(size));
    }
    io::list_call list{{root.c_str()}, {}};
    ASSERT_EQ(list.run(), 0);
    std::sort(
        names.begin(), names.end(), [](const std::string& left, const std::string& right) {
            return std::lexicographical_compare(
                left.begin(), left.end(), right.begin(), right.end(), [](char one, char other) {
                    return static_cast<unsigned char>(one) < static_cast<unsigned char>(other);
                });
        });
    ASSERT_EQ(list.found.count, names.size());
    for (std::uint32_t index = 0; index < list.found.count; ++index) {
        EXPECT_EQ(list.found.name_of(index), names[index]);
        EXPECT_EQ(list.found.type_of(index), DT_DIR);
    }
    list.release();
    EXPECT_EQ(list.found.count, 0U);
}

TEST_F(list_dir_test, an_empty_directory_has_an_empty_list) {
    io::list_call list{{root.c_str()}, {}};
    ASSERT_EQ(list.run(), 0);
    EXPECT_EQ(list.found.count, 0U);
    list.release();
}

TEST_F(list_dir_test, a_failure_leaves_nothing_to_release) {
    const std::string none = at("none");
    io::list_call list{{none.c_str()}, {}};
    EXPECT_EQ(list.run(), -ENOENT);
    EXPECT_EQ(list.found.bytes, nullptr);
    EXPECT_EQ(list.found.order, nullptr);
}

} // namespace
