// Named meeting points with two ends, where parties of different states and threads exchange
// values. A party waits until another comes to the opposite end; it is then told by whatever
// way it named: a loop's mail, a place in a queue of tasks.
#pragma once

#include "base/intrusive_list.hpp"
#include "base/message.hpp"
#include "threadpool/annotations.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace coring::threadpool {

enum class endpoint : std::uint8_t { in, out, any };

// Values that a party brings. Shared, because whoever looks at them may still be reading when
// they were given to somebody else. They are filled before they are shown, and never changed
// after. Any thread.
class parcel {
public:
    parcel(const parcel&) = delete;
    parcel& operator=(const parcel&) = delete;
    parcel(parcel&&) = delete;
    parcel& operator=(parcel&&) = delete;

    // One with a single owner. Null when memory is short.
    [[nodiscard]] static parcel* make() noexcept;

    void share() noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }

    // The last owner frees it.
    void let_go() noexcept;

    base::message values;

private:
    parcel() noexcept = default;
    ~parcel() = default;

    std::atomic<std::uint32_t> owners_{1};
};

struct meeting_point;
struct meeting_shard;

// What is still to be done once no lock is held any more; `make` may be null.
struct announcement {
    void (*make)(void* to) noexcept = nullptr;
    void* to = nullptr;
};

// One who may wait at a meeting point. Derived from by whoever knows how to tell it; must stay
// in place while it waits. All it holds is its own while it does not wait.
struct party : base::list_link {
    // Called once it was matched, by the thread that came to match it, with a lock held: must
    // neither block, nor lock, nor call the rendezvous. What is left to do it returns, to be
    // done by that thread without a lock. From the end of this call on, `self` belongs to its
    // owner again, who may be quicker than the announcement: that must not need `self` unless
    // the owner waits for it. `by` is what the other one gave as its home.
    using matched_function = announcement (*)(party& self, const void* by) noexcept;

    party(matched_function how, endpoint where) noexcept : matched{how}, end{where} {}

    party(const party&) = delete;
    party& operator=(const party&) = delete;
    party(party&&) = delete;
    party& operator=(party&&) = delete;

    // Requires that it does not wait.
    ~party();

    matched_function matched;
    endpoint end;
    parcel* brings = nullptr; // set by the owner; null once it was given away
    parcel* gets = nullptr;   // null until it was matched

private:
    friend class rendezvous;

    meeting_shard* shard_ = nullptr; // of its last wait; the owner's
    meeting_point* at_ = nullptr;    // while it waits; the shard's
    std::uint64_t ticket_ = 0;
};

// What a waiting party brings, for looking before taking. Whoever has it lets go of it.
struct glimpse {
    parcel* brings = nullptr; // null: nobody waits whom one could be matched with
    std::uint64_t ticket = 0;
};

// The points whose names fall to it, and all they hold, under one lock. Names are found by
// chains; the table of their beginnings grows with them.
struct meeting_shard {
    mutex guard;
    meeting_point** chains CORING_GUARDED_BY(guard) = nullptr;
    std::size_t chain_count CORING_GUARDED_BY(guard) = 0; // a power of two, or none
    std::size_t points CORING_GUARDED_BY(guard) = 0;
    std::uint64_t tickets CORING_GUARDED_BY(guard) = 0;
};

// All meeting points of a set of states. Any thread. A name exists while somebody uses it:
// from open() to close(), and while a party waits. No memory is needed but by open().
//
// Each point has one line of parties that cannot be matched with each other; whoever comes is
// matched with the first in line or with nobody.
class rendezvous {
public:
    rendezvous() noexcept = default;
    rendezvous(const rendezvous&) = delete;
    rendezvous& operator=(const rendezvous&) = delete;
    rendezvous(rendezvous&&) = delete;
    rendezvous& operator=(rendezvous&&) = delete;

    // Requires that nothing is open and nobody waits.
    ~rendezvous();

    // That of the process, never destroyed.
    [[nodiscard]] static rendezvous& process() noexcept;

    // The point of that name, any bytes, made if there is none; used until close(). Null when
    // memory is short.
    [[nodiscard]] meeting_point* open(std::string_view name) noexcept;

    // One use more of a point that is used.
    void use_again(meeting_point& used) noexcept;

    // Ends a use. The point stays while others use it, or wait.
    void close(meeting_point& used) noexcept;

    // The name of a point, as long as it is used.
    [[nodiscard]] static std::string_view name_of(const meeting_point& of) noexcept;

    [[nodiscard]] bool exists(std::string_view name) noexcept;

    // Copies names: to each its size, as a std::size_t, then its bytes, nothing between. Names
    // that find no room are left out. The room that all of them need.
    [[nodiscard]] std::size_t copy_names(char* into, std::size_t room) noexcept;

    // In two steps, for whoever wants what it gets before it gives. First what the party in
    // front would bring; nothing changes.
    [[nodiscard]] glimpse look(meeting_point& at, endpoint end) noexcept;

    // Then the match with that party, which gets `mine`. False: it waits no longer; nothing
    // changed, `mine` is still the caller's.
    [[nodiscard]] bool
    take(meeting_point& at, std::uint64_t ticket, parcel& mine, const void* home) noexcept;

    // Puts the party in line, until it is matched or withdrawn. False: there is somebody to be
    // matched with; nothing changed. Requires that it brings something.
    [[nodiscard]] bool wait(meeting_point& at, party& coming) noexcept;

    // In one step. True: matched, `gets` is there, and `matched` of `coming` is not called.
    // False: it waits, and may be matched already when this returns. Requires as wait().
    [[nodiscard]] bool arrive(meeting_point& at, party& coming, const void* home) noexcept;

    // Takes a party out of line. False: it did not wait, or was matched; its `matched` has
    // returned then.
    [[nodiscard]] bool withdraw(party& leaving) noexcept;

private:
    static constexpr std::size_t shard_count = 16;

    using shard = meeting_shard;

    [[nodiscard]] shard& shard_of(std::size_t hash) noexcept;
    [[nodiscard]] static meeting_point*
    find(shard& in, std::size_t hash, std::string_view name) noexcept CORING_REQUIRES(in.guard);
    [[nodiscard]] static bool make_room(shard& in) noexcept CORING_REQUIRES(in.guard);
    static void end_use(shard& in, meeting_point& used) noexcept CORING_REQUIRES(in.guard);
    static void line_up(shard& in, meeting_point& at, party& coming) noexcept
        CORING_REQUIRES(in.guard);
    [[nodiscard]] static announcement
    match(shard& in, meeting_point& at, parcel& given, const void* home) noexcept
        CORING_REQUIRES(in.guard);

    std::array<shard, shard_count> shards_;
};

} // namespace coring::threadpool
