#include "io/resolve_name.hpp"

#include "io/resolve.hpp"

#include <cerrno>
#include <new>

namespace coring::io {

name_job::name_job(loop::loop& on,
                   subject wanted,
                   const ip_address& of,
                   const name_query& query) noexcept
    : call_job{on, search, end}, of_{of}, asked_{query}, wanted_{wanted} {}

int name_job::search(call_job& job) noexcept {
    auto& self = static_cast<name_job&>(job);
    const int flags = self.asked_.datagram ? NI_DGRAM : 0;
    if (self.wanted_ == subject::port) {
        return code_of_answer(::getnameinfo(self.of_.native(), self.of_.native_size(), nullptr,
                                            0, self.service.data(), NI_MAXSERV, flags));
    }
    // Today's C library takes the finer wishes about IDN and does nothing about them.
    const int more =
        NI_NAMEREQD | (self.asked_.local ? NI_NOFQDN : 0) | (self.asked_.idn ? NI_IDN : 0);
    return code_of_answer(::getnameinfo(self.of_.native(), self.of_.native_size(),
                                        self.host.data(), NI_MAXHOST, self.service.data(),
                                        NI_MAXSERV, flags | more));
}

void name_job::end(call_job& job) noexcept {
    delete static_cast<name_job*>(&job);
}

name_job*
make_host_name_job(loop::loop& on, const ip_address& of, const name_query& query) noexcept {
    return new (std::nothrow) name_job{on, name_job::subject::host_and_port, of, query};
}

name_job*
make_port_name_job(loop::loop& on, std::uint16_t port, const name_query& query) noexcept {
    ip_address of{ip_version::v4};
    of.set_port(port);
    return new (std::nothrow) name_job{on, name_job::subject::port, of, query};
}

canonical_job::canonical_job(loop::loop& on) noexcept : call_job{on, search, end} {}

canonical_job::~canonical_job() {
    if (list_ != nullptr) {
        ::freeaddrinfo(list_);
    }
}

const char* canonical_job::name() const noexcept {
    const char* found = list_ != nullptr ? list_->ai_canonname : nullptr;
    return found != nullptr ? found : asked.data();
}

int canonical_job::search(call_job& job) noexcept {
    auto& self = static_cast<canonical_job&>(job);
    addrinfo hints{};
    hints.ai_flags = AI_CANONNAME;
    return code_of_answer(::getaddrinfo(self.asked.data(), nullptr, &hints, &self.list_));
}

void canonical_job::end(call_job& job) noexcept {
    delete static_cast<canonical_job*>(&job);
}

base::result<canonical_job*> make_canonical_job(loop::loop& on, const char* name) noexcept {
    std::array<char, host_name_room> room{};
    auto converted = host_name_in_ascii(name, room);
    if (!converted) {
        return base::failure{converted.error()};
    }
    auto* const job = new (std::nothrow) canonical_job{on};
    if (job == nullptr) {
        return base::failure{ENOMEM};
    }
    job->asked = room;
    return job;
}

} // namespace coring::io
