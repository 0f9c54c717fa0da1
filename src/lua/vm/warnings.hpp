// The warnings of an independent state: in the words of the stock interpreter, on standard
// error, but each line in one piece, since other threads may write there too.
#pragma once

#include <cstddef>
#include <string_view>

#include <lua.hpp>

namespace coring::lua::vm {

// Off until it receives "@on". Belongs to one state, and must outlive it.
class warning_lines {
public:
    warning_lines() noexcept = default;
    warning_lines(const warning_lines&) = delete;
    warning_lines& operator=(const warning_lines&) = delete;
    warning_lines(warning_lines&&) = delete;
    warning_lines& operator=(warning_lines&&) = delete;
    ~warning_lines();

    void serve(lua_State* L) noexcept { lua_setwarnf(L, receive, this); }

private:
    static void receive(void* self, const char* piece, int more);

    [[nodiscard]] bool obey(std::string_view piece, bool more) noexcept;
    void take(std::string_view piece) noexcept;
    void write_out() noexcept;

    bool on_ = false;
    bool in_line_ = false;
    char* line_ = nullptr;
    std::size_t size_ = 0;
    std::size_t room_ = 0;
};

} // namespace coring::lua::vm
