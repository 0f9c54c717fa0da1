// Goal: blocks are big enough, aligned, never shared, and come back without being allocated
// anew. Method: take sizes at and around the classes' borders, write to every byte (the address
// sanitizer sees a byte too many), and compare addresses after giving back.
#include "base/block_pool.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace {

using coring::base::block_pool;

bool aligned(const char* block) {
    return reinterpret_cast<std::uintptr_t>(block) % 64 == 0;
}

TEST(block_pool, every_size_has_all_its_bytes_and_is_aligned) {
    block_pool pool;
    for (const std::size_t size :
         {0U, 1U, 63U, 64U, 65U, 255U, 256U, 257U, 1024U, 1025U, 4096U, 4097U, 100'000U}) {
        char* block = pool.take(size);
        ASSERT_NE(block, nullptr);
        EXPECT_TRUE(aligned(block)) << size;
        std::memset(block, 0x5a, size);
        pool.give_back(block, size);
    }
}

TEST(block_pool, blocks_in_use_do_not_overlap) {
    block_pool pool;
    std::vector<char*> blocks;
    for (int at = 0; at < 200; ++at) {
        blocks.push_back(pool.take(64));
        std::memset(blocks.back(), at, 64);
    }
    for (int at = 0; at < 200; ++at) {
        const char* block = blocks[static_cast<std::size_t>(at)];
        EXPECT_TRUE(std::all_of(block, block + 64,
                                [at](char byte) { return byte == static_cast<char>(at); }));
    }
    for (char* block : blocks) {
        pool.give_back(block, 64);
    }
}

TEST(block_pool, a_block_given_back_is_the_next_one_of_its_class) {
    block_pool pool;
    char* small = pool.take(200);
    pool.give_back(small, 200);
    char* again = pool.take(199); // the same class
    EXPECT_EQ(again, small);
    pool.give_back(again, 199);
}

TEST(block_pool, classes_do_not_mix) {
    block_pool pool;
    char* small = pool.take(64);
    pool.give_back(small, 64);
    char* larger = pool.take(65);
    EXPECT_NE(larger, small);
    pool.give_back(larger, 65);
}

TEST(block_pool, large_blocks_and_more_than_it_keeps_are_freed) {
    block_pool pool;
    char* large = pool.take(block_pool::largest_class + 1);
    pool.give_back(large, block_pool::largest_class + 1);
    std::set<char*> blocks; // more than a class keeps: the leak sanitizer watches the rest
    for (int at = 0; at < 5000; ++at) {
        blocks.insert(pool.take(64));
    }
    EXPECT_EQ(blocks.size(), 5000U);
    for (char* block : blocks) {
        pool.give_back(block, 64);
    }
}

} // namespace
