// Why looking and taking are two steps: what comes of a look has to be copied into a Lua state
// first, which may fail, run programs, and come back here; no lock is held meanwhile, and
// nothing is promised. Each wait has a ticket. Taking compares it with that of whoever is in
// front by then: the same party may have left and come again, or another may have got its
// memory.
#include "threadpool/rendezvous.hpp"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <utility>

namespace coring::threadpool {

// Its name follows it in memory.
struct meeting_point {
    meeting_point* chained = nullptr;
    std::size_t hash = 0;
    std::size_t size = 0; // of the name
    std::size_t uses = 0;
    base::intrusive_list<party> line; // parties that cannot be matched with each other

    [[nodiscard]] char* name() noexcept { return reinterpret_cast<char*>(this + 1); }

    [[nodiscard]] const char* name() const noexcept {
        return reinterpret_cast<const char*>(this + 1);
    }
};

namespace {

bool go_together(endpoint one, endpoint other) noexcept {
    return one != other || one == endpoint::any;
}

// Who would be matched with a party at this end.
party* partner(meeting_point& at, endpoint end) noexcept {
    party* first = at.line.front();
    return first != nullptr && go_together(first->end, end) ? first : nullptr;
}

void announce(const announcement& what) noexcept {
    if (what.make != nullptr) {
        what.make(what.to);
    }
}

meeting_point* make_point(std::size_t hash, std::string_view name) noexcept {
    void* block = name.size() <= SIZE_MAX - sizeof(meeting_point)
                      ? std::malloc(sizeof(meeting_point) + name.size())
                      : nullptr;
    if (block == nullptr) {
        return nullptr;
    }
    auto* made = new (block) meeting_point;
    made->hash = hash;
    made->size = name.size();
    if (!name.empty()) {
        std::memcpy(made->name(), name.data(), name.size());
    }
    return made;
}

void free_point(meeting_point& unused) noexcept {
    unused.~meeting_point();
    std::free(&unused);
}

} // namespace

parcel* parcel::make() noexcept {
    return new (std::nothrow) parcel;
}

void parcel::let_go() noexcept {
    if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        delete this;
    }
}

party::~party() {
    CORING_ASSERT(at_ == nullptr && !linked());
    for (parcel* held : {brings, gets}) {
        if (held != nullptr) {
            held->let_go();
        }
    }
}

rendezvous::~rendezvous() {
    for (shard& each : shards_) {
        const lock held{each.guard};
        CORING_ASSERT(each.points == 0);
        std::free(each.chains);
    }
}

rendezvous& rendezvous::process() noexcept {
    alignas(rendezvous) static std::array<std::byte, sizeof(rendezvous)> place;
    static auto* const one = new (place.data()) rendezvous;
    return *one;
}

// --- names ----------------------------------------------------------------------------------

// By the upper bits: chains within a shard go by the lower ones.
rendezvous::shard& rendezvous::shard_of(std::size_t hash) noexcept {
    constexpr int upper = 48;
    return shards_[(hash >> upper) % shard_count];
}

meeting_point* rendezvous::find(shard& in, std::size_t hash, std::string_view name) noexcept {
    if (in.chain_count == 0) {
        return nullptr;
    }
    meeting_point* at = in.chains[hash & (in.chain_count - 1)];
    while (at != nullptr && (at->hash != hash || name_of(*at) != name)) {
        at = at->chained;
    }
    return at;
}

// For one point more. When memory is short, long chains will do.
bool rendezvous::make_room(shard& in) noexcept {
    if (in.points < in.chain_count) {
        return true;
    }
    constexpr std::size_t fewest = 16;
    const std::size_t count = in.chain_count == 0 ? fewest : in.chain_count * 2;
    auto** chains = static_cast<meeting_point**>(std::calloc(count, sizeof(void*)));
    if (chains == nullptr) {
        return in.chain_count > 0;
    }
    for (std::size_t old = 0; old < in.chain_count; ++old) {
        while (meeting_point* moved = in.chains[old]) {
            in.chains[old] = moved->chained;
            meeting_point*& first = chains[moved->hash & (count - 1)];
            moved->chained = std::exchange(first, moved);
        }
    }
    std::free(in.chains);
    in.chains = chains;
    in.chain_count = count;
    return true;
}

meeting_point* rendezvous::open(std::string_view name) noexcept {
    const std::size_t hash = std::hash<std::string_view>{}(name);
    shard& in = shard_of(hash);
    const lock held{in.guard};
    meeting_point* at = find(in, hash, name);
    if (at == nullptr) {
        at = make_room(in) ? make_point(hash, name) : nullptr;
        if (at == nullptr) {
            return nullptr;
        }
        meeting_point*& first = in.chains[hash & (in.chain_count - 1)];
        at->chained = std::exchange(first, at);
        ++in.points;
    }
    ++at->uses;
    return at;
}

void rendezvous::use_again(meeting_point& used) noexcept {
    const lock held{shard_of(used.hash).guard};
    ++used.uses;
}

void rendezvous::end_use(shard& in, meeting_point& used) noexcept {
    CORING_ASSERT(used.uses > 0);
    if (--used.uses > 0) {
        return;
    }
    meeting_point** link = &in.chains[used.hash & (in.chain_count - 1)];
    while (*link != &used) {
        link = &(*link)->chained;
    }
    *link = used.chained;
    --in.points;
    free_point(used);
}

void rendezvous::close(meeting_point& used) noexcept {
    shard& in = shard_of(used.hash);
    const lock held{in.guard};
    end_use(in, used);
}

std::string_view rendezvous::name_of(const meeting_point& of) noexcept {
    return {of.name(), of.size};
}

bool rendezvous::exists(std::string_view name) noexcept {
    const std::size_t hash = std::hash<std::string_view>{}(name);
    shard& in = shard_of(hash);
    const lock held{in.guard};
    return find(in, hash, name) != nullptr;
}

std::size_t rendezvous::copy_names(char* into, std::size_t room) noexcept {
    std::size_t needed = 0;
    for (shard& in : shards_) {
        const lock held{in.guard};
        for (std::size_t chain = 0; chain < in.chain_count; ++chain) {
            for (meeting_point* at = in.chains[chain]; at != nullptr; at = at->chained) {
                const std::size_t begin = needed;
                needed += sizeof at->size + at->size;
                if (needed <= room) {
                    std::memcpy(into + begin, &at->size, sizeof at->size);
                    std::memcpy(into + begin + sizeof at->size, at->name(), at->size);
                }
            }
        }
    }
    return needed;
}

// --- meeting --------------------------------------------------------------------------------

glimpse rendezvous::look(meeting_point& at, endpoint end) noexcept {
    shard& in = shard_of(at.hash);
    const lock held{in.guard};
    const party* first = partner(at, end);
    if (first == nullptr) {
        return {};
    }
    first->brings->share();
    return {first->brings, first->ticket_};
}

// Gives the party in front what it gets. What it brought stays with it unless somebody took it.
announcement
rendezvous::match(shard& in, meeting_point& at, parcel& given, const void* home) noexcept {
    party& first = at.line.head();
    first.unlink();
    first.at_ = nullptr;
    first.gets = &given;
    const announcement left_to_do = first.matched(first, home);
    end_use(in, at);
    return left_to_do;
}

bool rendezvous::take(meeting_point& at,
                      std::uint64_t ticket,
                      parcel& mine,
                      const void* home) noexcept {
    announcement left_to_do;
    {
        shard& in = shard_of(at.hash);
        const lock held{in.guard};
        const party* first = at.line.front();
        if (first == nullptr || first->ticket_ != ticket) {
            return false;
        }
        left_to_do = match(in, at, mine, home);
    }
    announce(left_to_do);
    return true;
}

void rendezvous::line_up(shard& in, meeting_point& at, party& coming) noexcept {
    coming.ticket_ = ++in.tickets;
    coming.shard_ = &in;
    coming.at_ = &at;
    ++at.uses;
    at.line.push_back(coming);
}

bool rendezvous::wait(meeting_point& at, party& coming) noexcept {
    CORING_ASSERT(coming.brings != nullptr && coming.gets == nullptr);
    shard& in = shard_of(at.hash);
    const lock held{in.guard};
    if (partner(at, coming.end) != nullptr) {
        return false;
    }
    line_up(in, at, coming);
    return true;
}

bool rendezvous::arrive(meeting_point& at, party& coming, const void* home) noexcept {
    CORING_ASSERT(coming.brings != nullptr && coming.gets == nullptr);
    announcement left_to_do;
    {
        shard& in = shard_of(at.hash);
        const lock held{in.guard};
        party* first = partner(at, coming.end);
        if (first == nullptr) {
            line_up(in, at, coming);
            return false;
        }
        coming.gets = std::exchange(first->brings, nullptr);
        left_to_do = match(in, at, *std::exchange(coming.brings, nullptr), home);
    }
    announce(left_to_do);
    return true;
}

bool rendezvous::withdraw(party& leaving) noexcept {
    if (leaving.shard_ == nullptr) {
        return false;
    }
    shard& in = *leaving.shard_;
    const lock held{in.guard};
    if (leaving.at_ == nullptr) {
        return false;
    }
    leaving.unlink();
    end_use(in, *std::exchange(leaving.at_, nullptr));
    return true;
}

} // namespace coring::threadpool
