#include "op/operation.hpp"

namespace coring::op {

const char* state_name(state at) noexcept {
    switch (at) {
    case state::idle:
        return "idle";
    case state::queued:
        return "queued";
    case state::in_flight:
        return "in flight";
    case state::ready:
        return "ready";
    case state::delivering:
        return "delivering";
    case state::detached_queued:
        return "queued, detached";
    case state::detached:
        return "in flight, detached";
    }
    return "?";
}

} // namespace coring::op
