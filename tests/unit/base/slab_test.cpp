// Goal: a place keeps its address and its slot, and the name of a former tenant finds nobody.
// Method: fill, empty and refill slabs of tiny chunks, and ask for places by present, past and
// future names.
#include "base/intrusive_list.hpp"
#include "base/slab.hpp"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace {

using coring::base::slab;

struct element : coring::base::list_link {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    int cargo = 0;
};

using tiny_slab = slab<element, 1>; // two places a chunk

TEST(slab, an_empty_one_has_no_places) {
    tiny_slab places;
    EXPECT_EQ(places.capacity(), 0U);
    EXPECT_EQ(places.in_use(), 0U);
    EXPECT_FALSE(places.has_free());
    EXPECT_EQ(places.find(0, 0), nullptr);
}

TEST(slab, slots_count_up_from_zero) {
    tiny_slab places;
    for (std::uint32_t expected = 0; expected < 5; ++expected) {
        EXPECT_EQ(places.acquire()->slot, expected);
    }
    EXPECT_EQ(places.capacity(), 6U);
    EXPECT_EQ(places.in_use(), 5U);
}

TEST(slab, growth_moves_nobody) {
    tiny_slab places;
    std::vector<element*> tenants;
    for (int at = 0; at < 1000; ++at) { // past the first table of chunks, too
        tenants.push_back(places.acquire());
        tenants.back()->cargo = at;
    }
    for (std::size_t at = 0; at < tenants.size(); ++at) {
        EXPECT_EQ(&places[tenants[at]->slot], tenants[at]);
        EXPECT_EQ(tenants[at]->cargo, static_cast<int>(at));
    }
    EXPECT_EQ(std::set<element*>(tenants.begin(), tenants.end()).size(), tenants.size());
}

TEST(slab, a_place_that_was_released_is_reused_before_memory_is_asked_for) {
    tiny_slab places;
    element* first = places.acquire();
    places.release(*first);
    EXPECT_TRUE(places.has_free());
    EXPECT_EQ(places.acquire(), first);
    EXPECT_EQ(places.capacity(), 2U);
}

TEST(slab, each_tenancy_has_a_generation_of_its_own) {
    tiny_slab places;
    element* place = places.acquire();
    std::set<std::uint32_t> seen;
    for (int tenancy = 0; tenancy < 100; ++tenancy) {
        seen.insert(place->generation);
        places.release(*place);
        ASSERT_EQ(places.acquire(), place);
    }
    EXPECT_EQ(seen.size(), 100U);
}

TEST(slab, the_present_tenant_is_found_and_a_former_one_is_not) {
    tiny_slab places;
    element* place = places.acquire();
    const std::uint32_t slot = place->slot;
    const std::uint32_t former = place->generation;
    EXPECT_EQ(places.find(slot, former), place);
    places.release(*place);
    ASSERT_EQ(places.acquire(), place);
    EXPECT_EQ(places.find(slot, former), nullptr);
    EXPECT_EQ(places.find(slot, former + 1), place);
    EXPECT_EQ(places.find(slot, former + 2), nullptr);
}

TEST(slab, a_slot_beyond_the_places_is_found_to_be_nobody) {
    tiny_slab places;
    static_cast<void>(places.acquire());
    EXPECT_EQ(places.find(2, 0), nullptr);
    EXPECT_EQ(places.find(tiny_slab::no_slot, 0), nullptr);
}

TEST(slab, generations_wrap_around) {
    tiny_slab places;
    element* place = places.acquire();
    place->generation = UINT32_MAX;
    places.release(*place);
    ASSERT_EQ(places.acquire(), place);
    EXPECT_EQ(place->generation, 0U);
    EXPECT_EQ(places.find(place->slot, UINT32_MAX), nullptr);
    EXPECT_EQ(places.find(place->slot, 0), place);
}

TEST(slab, grow_makes_room_beforehand) {
    tiny_slab places;
    ASSERT_TRUE(places.grow());
    EXPECT_EQ(places.capacity(), 2U);
    EXPECT_EQ(places.in_use(), 0U);
    EXPECT_TRUE(places.has_free());
    static_cast<void>(places.acquire());
    static_cast<void>(places.acquire());
    EXPECT_FALSE(places.has_free());
}

TEST(slab, room_for_several_is_told_beforehand) {
    tiny_slab places;
    ASSERT_TRUE(places.grow());
    EXPECT_TRUE(places.has_free(2));
    EXPECT_FALSE(places.has_free(3));
    element* first = places.acquire();
    EXPECT_TRUE(places.has_free(1));
    EXPECT_FALSE(places.has_free(2));
    places.release(*first);
    EXPECT_TRUE(places.has_free(2));
}

TEST(slab, a_tenant_comes_with_its_link_in_no_list) {
    tiny_slab places;
    coring::base::intrusive_list<element> list;
    for (int round = 0; round < 3; ++round) {
        element* one = places.acquire();
        element* other = places.acquire();
        list.push_back(*one);
        list.push_back(*other);
        EXPECT_EQ(list.count(), 2U);
        one->unlink();
        other->unlink();
        places.release(*one);
        places.release(*other);
    }
}

TEST(slab_death_test, releasing_more_than_was_acquired_aborts) {
    tiny_slab places;
    element* place = places.acquire();
    places.release(*place);
    EXPECT_DEATH(places.release(*place), "in_use_ > 0");
}

} // namespace
