// What an engine reports, written down, and operations to drive an engine with by hand.
#pragma once

#include "op/engine.hpp"
#include "unit/support/verbs.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace coring::support {

// Moves operations on as the loop does, and remembers in which order they were reported.
class recording_sink final : public op::completion_sink {
public:
    struct entry {
        op::operation* done;
        int answer;
    };

    std::vector<entry> completions;
    std::vector<unsigned> watches;

    [[nodiscard]] std::optional<int> answer_of(const op::operation& which) const {
        const auto found = std::find_if(completions.begin(), completions.end(),
                                        [&](const entry& one) { return one.done == &which; });
        return found == completions.end() ? std::nullopt : std::optional{found->answer};
    }

    [[nodiscard]] bool heard_of(unsigned watch) const {
        return std::find(watches.begin(), watches.end(), watch) != watches.end();
    }

private:
    void completed(op::operation& done, int answer) noexcept override {
        completions.push_back({&done, answer});
        done.is_detached() ? done.end_detached() : done.complete(answer);
    }

    void watched(unsigned watch) noexcept override { watches.push_back(watch); }
};

// Operations of an engine without a loop.
struct workbench {
    op::operation_slab records;
    op::operation_list queued;
    recording_sink sink;
    std::deque<sent_bytes> sent;

    // A record that waits to be handed over.
    op::operation& read(op::descriptor& at) {
        op::operation& made = acquire(readable_type);
        aim_read(made, at);
        return queue(made);
    }

    op::operation& send(op::descriptor& at, std::string_view bytes) {
        op::operation& made = acquire(one_send_type);
        aim_send(made, at, sent.emplace_back(sent_bytes{bytes.data(), bytes.size()}));
        return queue(made);
    }

    op::operation& acquire(const op::operation_type& type) {
        op::operation* made = records.acquire();
        EXPECT_NE(made, nullptr);
        made->type = &type;
        made->at = op::state::idle;
        return *made;
    }

    op::operation& queue(op::operation& made) {
        made.arm();
        queued.push_back(made);
        return made;
    }
};

constexpr std::int64_t soon_ns = 1'000'000;      // a wait that is expected to time out
constexpr std::int64_t long_ns = 20'000'000'000; // a wait that is expected to end by itself

} // namespace coring::support
