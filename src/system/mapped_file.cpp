// SPDX-License-Identifier: Apache-2.0
#include "system/mapped_file.h"

#include "tercet/error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <system_error>

namespace tercet {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, std::string what, std::string fix = "check the path and its permissions") {
    throw Error({.what = std::move(what), .where = file.string(), .fix = std::move(fix)});
}

[[noreturn]] void fail_by_system(const std::filesystem::path& file, std::string_view doing) {
    const int code = errno;
    fail(file, code == ENOENT ? "no such file" : std::string(doing) + ": " + std::generic_category().message(code));
}

// Null if there is no room.
std::shared_ptr<void> aligned_memory(std::size_t bytes) {
    constexpr std::size_t alignment = 64;
    return {bytes > SIZE_MAX / 2 ? nullptr : std::aligned_alloc(alignment, (bytes / alignment + 1) * alignment), std::free};
}

// An open regular file; closed when it goes.
class OpenFile {
public:
    explicit OpenFile(const std::filesystem::path& file) {
        // Not blocking: a pipe without a writer would hang before it can be refused.
        file_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file_ < 0) fail_by_system(file, "cannot be opened");
        struct stat about {};
        if (::fstat(file_, &about) != 0) refuse([&] { fail_by_system(file, "cannot be examined"); });
        if (S_ISDIR(about.st_mode)) refuse([&] { fail(file, "is a folder, not a file", "name a file in it"); });
        if (!S_ISREG(about.st_mode)) refuse([&] { fail(file, "is no regular file", "copy what it gives into a file"); });
        size_ = static_cast<std::size_t>(about.st_size);
    }
    ~OpenFile() { ::close(file_); }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    int descriptor() const { return file_; }
    std::size_t size() const { return size_; }

private:
    template <class F>
    void refuse(F&& why) {  // the destructor does not run for what was never constructed
        const int code = errno;
        ::close(file_);
        errno = code;
        why();
    }

    int file_ = -1;
    std::size_t size_ = 0;
};

}  // namespace

FileBytes map_file(const std::filesystem::path& file) {
    const OpenFile open(file);
    const std::size_t size = open.size();
    if (size == 0) return {};
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, open.descriptor(), 0);
    if (start == MAP_FAILED) fail_by_system(file, "cannot be mapped");
    std::shared_ptr<const void> owner(start, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
    return {std::move(owner), {static_cast<const std::byte*>(start), size}};
}

FileBytes read_file(const std::filesystem::path& file) {
    const OpenFile open(file);
    const std::size_t size = open.size();
    if (size == 0) return {};
    const std::shared_ptr<void> memory = aligned_memory(size);
    if (!memory) fail(file, "does not fit into memory", "free some, or use a smaller file");
    auto* const start = static_cast<std::byte*>(memory.get());
    std::size_t done = 0;
    while (done < size) {
        const ssize_t n = ::read(open.descriptor(), start + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail_by_system(file, "cannot be read");
        if (n == 0) break;  // it has become shorter meanwhile
        done += static_cast<std::size_t>(n);
    }
    return {memory, {start, done}};
}

FileBytes copy_bytes(std::span<const std::byte> bytes) {
    if (bytes.empty()) return {};
    const std::shared_ptr<void> memory = aligned_memory(bytes.size());
    if (!memory) throw std::bad_alloc();
    std::memcpy(memory.get(), bytes.data(), bytes.size());
    return {memory, {static_cast<const std::byte*>(memory.get()), bytes.size()}};
}

}  // namespace tercet
