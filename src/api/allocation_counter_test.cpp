// SPDX-License-Identifier: Apache-2.0
#include "api/allocation_counter.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TERCET_OWN_ALLOCATOR 0
#elif defined(__has_feature)
#define TERCET_OWN_ALLOCATOR !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define TERCET_OWN_ALLOCATOR 1
#endif

#if !TERCET_OWN_ALLOCATOR
namespace tercet::testing {
std::int64_t allocations() noexcept { return 0; }
bool counts_allocations() noexcept { return false; }
}  // namespace tercet::testing
#else

namespace {
std::atomic<std::int64_t> count{0};
}

namespace tercet::testing {
std::int64_t allocations() noexcept { return count; }
bool counts_allocations() noexcept { return true; }
}  // namespace tercet::testing

// glibc's allocator under its other names; these take the place of its public ones in this program.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) { return ++count, __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) { return ++count, __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) { return ++count, __libc_realloc(p, n); }
void* aligned_alloc(std::size_t alignment, std::size_t n) { return ++count, __libc_memalign(alignment, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) {
    ++count;
    *p = __libc_memalign(alignment, n);
    return *p ? 0 : ENOMEM;
}
void* mmap(void* address, std::size_t n, int protection, int flags, int file, off_t offset) noexcept {
    ++count;
    return reinterpret_cast<void*>(syscall(SYS_mmap, address, n, protection, flags, file, offset));
}
}

#endif

namespace tercet::testing {
namespace {

TEST(AllocationCounter, SeesEveryWayToTakeMemory) {
    if (!counts_allocations()) GTEST_SKIP() << "a sanitizer has its own allocator";
    const auto counted = [](auto&& f) {
        const auto before = allocations();
        f();
        return allocations() - before;
    };
    EXPECT_GE(counted([] { ::operator delete(::operator new(100)); }), 1);
    EXPECT_GE(counted([] { free(std::malloc(100)); }), 1);
    EXPECT_GE(counted([] { free(std::aligned_alloc(64, 128)); }), 1);
    EXPECT_GE(counted([] { munmap(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096); }), 1);
    EXPECT_EQ(counted([] {}), 0);
}

}  // namespace
}  // namespace tercet::testing
