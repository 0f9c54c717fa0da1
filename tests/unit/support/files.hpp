// A directory of its own for a test that reads files, gone when the test is over.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace coring::support {

class own_directory {
public:
    own_directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "coring-XXXXXX");
        path_ = ::mkdtemp(pattern.data());
    }

    own_directory(const own_directory&) = delete;
    own_directory& operator=(const own_directory&) = delete;
    own_directory(own_directory&&) = delete;
    own_directory& operator=(own_directory&&) = delete;

    ~own_directory() { std::filesystem::remove_all(path_); }

    // The path of something in it.
    [[nodiscard]] std::string at(std::string_view name) const {
        return (path_ / name).string();
    }

    // Makes a file, with the directories it needs; returns its path.
    std::string write(std::string_view name, std::string_view text) const {
        const std::filesystem::path file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file, std::ios::binary} << text;
        return file.string();
    }

private:
    std::filesystem::path path_;
};

} // namespace coring::support
