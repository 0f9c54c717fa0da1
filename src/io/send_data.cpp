#include "io/send_data.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <unistd.h>

namespace coring::io {

namespace {

send_data* take(base::block_pool& blocks, std::size_t copied) noexcept {
    char* block = blocks.take(sizeof(send_data) + copied);
    if (block == nullptr) {
        return nullptr;
    }
    return new (block) send_data{block + sizeof(send_data), copied, copied, -1, false};
}

char* copy_of(send_data& data) noexcept {
    return reinterpret_cast<char*>(&data) + sizeof(send_data);
}

} // namespace

void send_data::passed_on() noexcept {
    if (passed >= 0) {
        ::close(std::exchange(passed, -1));
    }
}

send_data* refer_to_bytes(base::block_pool& blocks, std::string_view bytes) noexcept {
    send_data* data = take(blocks, 0);
    if (data != nullptr) {
        data->bytes = bytes.data();
        data->left = bytes.size();
    }
    return data;
}

send_data* copy_bytes(base::block_pool& blocks, std::string_view bytes) noexcept {
    send_data* data = take(blocks, bytes.size());
    if (data != nullptr) {
        std::memcpy(copy_of(*data), bytes.data(), bytes.size());
    }
    return data;
}

send_data* copy_parts(base::block_pool& blocks,
                      std::span<const iovec> parts,
                      std::size_t skipped,
                      std::size_t size) noexcept {
    send_data* data = take(blocks, size);
    if (data == nullptr) {
        return nullptr;
    }
    char* place = copy_of(*data);
    for (const iovec& part : parts) {
        const std::size_t skip = std::min(skipped, part.iov_len);
        skipped -= skip;
        if (part.iov_len > skip) {
            std::memcpy(place, static_cast<const char*>(part.iov_base) + skip,
                        part.iov_len - skip);
            place += part.iov_len - skip;
        }
    }
    return data;
}

void give_back(base::block_pool& blocks, send_data& over) noexcept {
    over.passed_on();
    blocks.give_back(reinterpret_cast<char*>(&over), sizeof(send_data) + over.copied);
}

} // namespace coring::io
