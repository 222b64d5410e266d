// SPDX-License-Identifier: Apache-2.0
#include "system/output_file.h"

#include "tercet/error.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace tercet {
namespace {

[[noreturn]] void fail(const std::filesystem::path& place, std::string_view doing, int code) {
    throw Error({.what = fmt::format("{}: {}", doing, std::generic_category().message(code)),
                 .where = place.string(),
                 .fix = code == ENOSPC || code == EDQUOT ? "free some space" : "check the folder and its permissions"});
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// What a rename would destroy must be a file: as root, writing to /dev/null would replace the device.
std::filesystem::path checked(std::filesystem::path place) {
    std::error_code ignored;
    const auto status = std::filesystem::status(place, ignored);
    if (std::filesystem::is_directory(status))
        throw Error({.what = "is a folder", .where = place.string(), .fix = "name a file in it"});
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
        throw Error({.what = "is no regular file", .where = place.string(), .fix = "write to a file and copy it from there"});
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(place, ignored)) && std::filesystem::exists(status))
        return std::filesystem::canonical(place);  // the link stays, what it points to is replaced
    return place;
}

}  // namespace

OutputFile::OutputFile(std::filesystem::path place) : place_(checked(std::move(place))) {
    static std::atomic<unsigned> number{0};
    do {  // the name says nothing of the place, whose own may be as long as the system permits
        temporary_ = folder_of(place_) / fmt::format(".tercet-{}-{}.tmp", ::getpid(), number++);
        file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (file_ < 0 && errno == EEXIST);
    if (file_ < 0) fail(place_, "cannot be written", errno);
}

OutputFile::~OutputFile() {
    if (file_ < 0) return;
    ::close(file_);
    ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(file_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(place_, "cannot be written", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        position_ += static_cast<std::uint64_t>(n);
    }
}

void OutputFile::commit() {
    if (::fsync(file_) != 0) fail(place_, "cannot be written", errno);
    if (::rename(temporary_.c_str(), place_.c_str()) != 0) fail(place_, "cannot be put in place", errno);
    ::close(file_);
    file_ = -1;
    // The new name is durable once the folder is. Some file systems cannot sync a folder: then the file is there all the same.
    if (const int folder = ::open(folder_of(place_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
}

}  // namespace tercet
