// Goal: jobs of the resolver own what they touch, answer what the Lua functions are built on,
// and hold up nobody but each other. Method: literals, which every machine knows; jobs run on
// the spot or on workers; calls that stop inside until the test lets them go. Both engines.
#include "base/errc.hpp"
#include "io/resolve.hpp"
#include "io/resolve_name.hpp"
#include "unit/support/host.hpp"

#include <latch>
#include <string>
#include <vector>

#include <net/if.h>

namespace {

using namespace coring;
using namespace coring::support;

class resolve_test : public hosted_in_real_time {
protected:
    void SetUp() override {
        hosted_in_real_time::SetUp();
        if (!IsSkipped()) {
            ASSERT_TRUE(on.loop.open_mailbox());
        }
    }

    // The code of a search on the spot, and what it found.
    int search(const io::address_query& query) {
        auto made = io::make_address_job(on.loop, query);
        if (!made) {
            return made.error();
        }
        io::address_job& job = *made.value();
        const int answer = job.body(job);
        found.assign(job.found().begin(), job.found().end());
        job.destroy(job);
        return -answer;
    }

    [[nodiscard]] std::string at(std::size_t index) const {
        std::array<char, io::ip_address::longest_text> room{};
        return std::string{found.at(index).where.literal(room)};
    }

    std::vector<io::found_address> found;
};

ON_ALL_ENGINES(resolve_test);

TEST_P(resolve_test, a_literal_is_found_once_for_each_transport) {
    ASSERT_EQ(search({.name = "192.0.2.7", .service = "80"}), 0);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(at(0), "192.0.2.7");
    EXPECT_EQ(found[0].where.port(), 80);
    EXPECT_EQ(found[0].good_for, io::purpose::stream);
    EXPECT_EQ(found[1].good_for, io::purpose::datagram);
    ASSERT_EQ(search({.name = "::1", .over = io::transports::datagram}), 0);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(at(0), "::1");
    EXPECT_EQ(found[0].good_for, io::purpose::datagram);
}

TEST_P(resolve_test, the_wildcard_is_for_listening) {
    ASSERT_EQ(
        search({.name = "*", .service = "80", .among = io::families::v6, .wildcard = true}), 0);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(at(0), "::");
    EXPECT_EQ(found[0].good_for, io::purpose::passive);
    EXPECT_EQ(found[1].good_for, io::purpose::datagram);
}

TEST_P(resolve_test, the_scope_of_an_address_is_kept) {
    ASSERT_EQ(search({.name = "fe80::1%lo", .among = io::families::v6}), 0);
    const auto& native = *reinterpret_cast<const sockaddr_in6*>(found[0].where.native());
    EXPECT_EQ(native.sin6_scope_id, ::if_nametoindex("lo"));
}

TEST_P(resolve_test, answers_are_codes_of_ours) {
    EXPECT_EQ(search({.name = "::1", .among = io::families::v4}), 3000);
    EXPECT_EQ(search({.name = "no.number", .numeric = true}), 3008);
    EXPECT_EQ(search({.name = "::1", .service = "no such service"}), 3010);
    EXPECT_EQ(search({.name = ""}), EINVAL);
    EXPECT_EQ(search({.name = "\xff"}), base::invalid_character);
    errno = EACCES;
    EXPECT_EQ(io::code_of_answer(EAI_SYSTEM), -EACCES);
    errno = 0;
    EXPECT_EQ(io::code_of_answer(EAI_SYSTEM), -base::unknown_error);
    EXPECT_EQ(io::code_of_answer(0), 0);
}

TEST_P(resolve_test, a_job_owns_its_texts) {
    std::string name = "192.0.2.7";
    std::string service = "80";
    auto made =
        io::make_address_job(on.loop, {.name = name.c_str(), .service = service.c_str()});
    ASSERT_TRUE(made);
    io::address_job& job = *made.value();
    name.assign("overwritten");
    service.assign("99");
    EXPECT_EQ(job.body(job), 0);
    EXPECT_EQ(job.found().front().where.port(), 80);
    job.destroy(job);
}

TEST_P(resolve_test, a_job_that_never_ran_is_freed) {
    auto search_job = io::make_address_job(on.loop, {.name = "localhost"});
    auto canonical = io::make_canonical_job(on.loop, "localhost");
    auto* port = io::make_port_name_job(on.loop, 80, {});
    for (io::call_job* job :
         {static_cast<io::call_job*>(search_job.value()),
          static_cast<io::call_job*>(canonical.value()), static_cast<io::call_job*>(port)}) {
        job->destroy(*job); // a leak sanitizer says whether it was
    }
}

TEST_P(resolve_test, only_what_needs_no_files_and_no_servers_is_answered_on_the_spot) {
    for (const char* known : {"127.0.0.1", "::1", "fe80::1"}) {
        EXPECT_FALSE(io::may_block({.name = known}));
        EXPECT_FALSE(io::may_block({.name = known, .service = "80"}));
        EXPECT_FALSE(io::may_block({.name = known, .service = ""}));
        EXPECT_TRUE(io::may_block({.name = known, .service = "http"}));
    }
    EXPECT_FALSE(io::may_block({.service = "80"}));
    EXPECT_FALSE(io::may_block({.name = "*", .service = "80", .wildcard = true}));
    EXPECT_FALSE(io::may_block({.name = "localhost", .numeric = true}));
    EXPECT_TRUE(io::may_block({.name = "localhost", .service = "80"}));
    EXPECT_TRUE(io::may_block({.name = "fe80::1%lo"}));
    EXPECT_TRUE(io::may_block({.service = "http"}));
}

TEST_P(resolve_test, a_port_is_a_number_up_to_65535) {
    for (const char* wrong : {"65536", "-1", " 99999", "+65536", "99999999999999999999"}) {
        EXPECT_TRUE(io::is_wrong_port(wrong)) << wrong;
    }
    for (const char* right : {"0", "65535", "080", "http", "", "80.0", "99999x", "-x", "-"}) {
        EXPECT_FALSE(io::is_wrong_port(right)) << right;
    }
}

TEST_P(resolve_test, a_port_without_a_name_is_its_number) {
    auto* job =
        io::make_port_name_job(on.loop, 0, {.local = true, .datagram = true, .idn = true});
    EXPECT_EQ(job->body(*job), 0);
    EXPECT_STREQ(job->service.data(), "0");
    job->destroy(*job);
}

TEST_P(resolve_test, a_literal_is_its_own_canonical_name) {
    auto made = io::make_canonical_job(on.loop, "0::1");
    ASSERT_TRUE(made);
    io::canonical_job& job = *made.value();
    EXPECT_EQ(job.body(job), 0);
    EXPECT_STREQ(job.name(), "0::1");
    job.destroy(job);
}

TEST_P(resolve_test, a_worker_finds_and_the_waiter_reads) {
    auto made = io::make_address_job(on.loop, {.name = "::1", .service = "80"});
    ASSERT_TRUE(made);
    task& who = on.make("lookup");
    std::size_t count = 0;
    who.take = [&](op::operation& delivered) {
        count = static_cast<io::address_job*>(static_cast<io::call_job*>(delivered.data))
                    ->found()
                    .size();
        return 0;
    };
    ASSERT_EQ(io::call_start(on.reserve(who, io::call_type), threadpool::lane_kind::names,
                             *made.value()),
              0);
    on.run();
    EXPECT_EQ(who.result, 0);
    EXPECT_EQ(count, 2U);
    on.expect_nothing_left();
}

// --- names that hang ------------------------------------------------------------------------

struct held_call : io::call_job {
    std::latch& gate;

    held_call(loop::loop& on, std::latch& at) : io::call_job{on, run, end}, gate{at} {}

    static int run(io::call_job& job) noexcept {
        static_cast<held_call&>(job).gate.wait();
        return 0;
    }

    static void end(io::call_job& job) noexcept { delete static_cast<held_call*>(&job); }
};

TEST_P(resolve_test, with_64_lookups_hanging_calls_on_files_go_on) {
    constexpr int many = 64;
    std::latch gate{1};
    std::vector<task*> stuck;
    for (int index = 0; index < many; ++index) {
        task& who = *stuck.emplace_back(&on.make("stuck"));
        ASSERT_EQ(io::call_start(on.reserve(who, io::call_type), threadpool::lane_kind::names,
                                 *new held_call{on.loop, gate}),
                  0);
    }
    std::latch open{0};
    task& file = on.make("file");
    ASSERT_EQ(io::call_start(on.reserve(file, io::call_type), threadpool::lane_kind::files,
                             *new held_call{on.loop, open}),
              0);
    on.turn_until([&] { return file.times == 1; });
    for (const task* who : stuck) {
        EXPECT_EQ(who->times, 0);
    }
    gate.count_down();
    on.run();
    for (const task* who : stuck) {
        EXPECT_EQ(who->times, 1);
    }
    on.expect_nothing_left();
}

} // namespace
