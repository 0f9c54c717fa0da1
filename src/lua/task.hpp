// Tasks: chunks in states of their own, which take turns on the threads of a pool. Manual:
// Thread Pools. Behaviour 15.3, 15.5.
#pragma once

#include "base/message.hpp"
#include "lua/vm/new_state.hpp"
#include "lua/vm/task_link.hpp"
#include "lua/vm/transfer.hpp"
#include "threadpool/rendezvous.hpp"
#include "threadpool/task_pool.hpp"

#include <atomic>
#include <cstdint>

#include <lua.hpp>

namespace coring::lua {

struct task;

// The task's place at a meeting point, while its chunk has yielded a request for one.
struct task_party final : threadpool::party {
    explicit task_party(task& waiting) noexcept;

    task& of;
    threadpool::meeting_point* at = nullptr; // used until the task rests
};

// Whether mail has come for the loop of a task that may be asleep in `run`.
enum class attention : std::uint8_t { awake, told, asleep };

// One task. It is its maker's until it is submitted, then its pool's. Counted, for those that
// are about to tell it of mail.
struct task final : threadpool::pool_task, vm::task_link, base::mail_listener {
    // Uses the pool and owns the state until it ends.
    task(threadpool::task_pool& in, vm::independent_state& its_state) noexcept;
    task(const task&) = delete;
    task& operator=(const task&) = delete;
    task(task&&) = delete;
    task& operator=(task&&) = delete;

    // Ready to be submitted, with these arguments. False when memory is short.
    [[nodiscard]] bool prepare(const base::message& with) noexcept;

    // Ends its state here and now; it is freed by the last who counts on it.
    void end() noexcept;

    threadpool::task_pool& pool;
    vm::independent_state* state; // null once it ended
    int arguments = 0;            // on the chunk's stack, for its next stretch
    task_party meeting{*this};
    std::atomic<attention> mail{attention::awake};

private:
    ~task();

    static threadpool::task_end work(threadpool::pool_task& self) noexcept;
    static bool rest_now(threadpool::pool_task& self) noexcept;
    static void discard_now(threadpool::pool_task& self) noexcept;
    static void keep_for_mail(base::mail_listener& self) noexcept;
    static void wake_for_mail(base::mail_listener& self) noexcept;

    void take_match() noexcept;
    void fail() noexcept;
    void close_state() noexcept;
    [[nodiscard]] threadpool::task_end request(int count) noexcept;
    void let_go() noexcept;

    std::atomic<std::uint32_t> owners_{1};
};

} // namespace coring::lua
