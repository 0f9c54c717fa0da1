// What the tests of the pool share: jobs that stop where a test wants them to, and loops
// without a loop.
#pragma once

#include "threadpool/pool.hpp"

#include <atomic>
#include <latch>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

namespace coring::threadpool::testing {

// The other end of the thread pool: sleeps on its mailbox without a limit.
struct fake_loop {
    base::mailbox box;

    fake_loop() {
        if (!box.open()) {
            ADD_FAILURE() << "no eventfd";
        }
    }

    // The next finished jobs, at least one, in order.
    std::vector<job*> next() {
        for (;;) {
            pollfd wait{box.fd(), POLLIN, 0};
            static_cast<void>(::poll(&wait, 1, -1));
            std::vector<job*> jobs = collected();
            if (!jobs.empty()) {
                return jobs;
            }
        }
    }

    std::vector<job*> wait_for(std::size_t count) {
        std::vector<job*> jobs;
        while (jobs.size() < count) {
            const std::vector<job*> more = next();
            jobs.insert(jobs.end(), more.begin(), more.end());
        }
        return jobs;
    }

    std::vector<job*> collected() {
        std::vector<job*> jobs;
        for (base::mail* at = box.collect(); at != nullptr;) {
            base::mail* const following = at->next;
            jobs.push_back(static_cast<job*>(at));
            at = following;
        }
        return jobs;
    }
};

// Counts what happens to it.
struct counted_job : job {
    explicit counted_job(fake_loop& loop) noexcept : job{run_it, discard_it, loop.box} {}

    static void run_it(job& self) noexcept { ++static_cast<counted_job&>(self).runs; }

    static void discard_it(job& self) noexcept {
        auto& counted = static_cast<counted_job&>(self);
        counted.state_at_discard = self.state;
        ++counted.discards;
        counted.discards.notify_all();
    }

    std::atomic<int> runs{0};
    std::atomic<int> discards{0};
    job_state state_at_discard = job_state::waiting;
};

// Says when a worker is inside it, and stays there until it is let go.
struct held_job : counted_job {
    explicit held_job(fake_loop& loop) noexcept : counted_job{loop} { run = hold; }

    static void hold(job& self) noexcept {
        auto& held = static_cast<held_job&>(self);
        ++held.runs;
        held.inside.count_down();
        held.released.wait();
    }

    void let_go() noexcept { released.count_down(); }

    std::latch inside{1};
    std::latch released{1};
};

// Pools and lanes whose workers started can never be destroyed; these stay reachable, as the
// pool of the process is, for the leak sanitizer.
template <typename Kept, typename... Arguments>
Kept& immortal(Arguments&&... arguments) {
    static auto& all = *new std::vector<Kept*>; // nor may this end at exit
    all.push_back(new Kept{std::forward<Arguments>(arguments)...});
    return *all.back();
}

} // namespace coring::threadpool::testing
