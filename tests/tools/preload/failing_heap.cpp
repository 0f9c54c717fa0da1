// Preloaded into the interpreter: the engine's requests for memory fail on demand, those of Lua
// and of all other libraries do not. Who asks is told by where the call comes from.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include <link.h>

#define EXPORTED [[gnu::visibility("default")]]

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void coring_fail_heap(long n);
int coring_heap_refusals();
}

namespace {

// The addresses of the module's code.
std::atomic<std::uintptr_t> low{0};
std::atomic<std::uintptr_t> high{0};

std::atomic<long> remaining{-1}; // requests that still succeed; negative: all
std::atomic<int> refusals{0};

int find_module(dl_phdr_info* info, std::size_t, void*) {
    const char* name = std::strrchr(info->dlpi_name, '/');
    if (name == nullptr || std::strcmp(name, "/coutil.so") != 0) {
        return 0;
    }
    for (int index = 0; index < info->dlpi_phnum; ++index) {
        const auto& part = info->dlpi_phdr[index];
        if (part.p_type == PT_LOAD && (part.p_flags & PF_X) != 0) {
            low = info->dlpi_addr + part.p_vaddr;
            high = low + part.p_memsz;
        }
    }
    return 1;
}

// Whether this request is the one to refuse.
bool is_refused(const void* caller) noexcept {
    const auto from = reinterpret_cast<std::uintptr_t>(caller);
    if (remaining < 0 || from < low || from >= high || remaining.fetch_sub(1) != 0) {
        return false;
    }
    ++refusals;
    errno = ENOMEM;
    return true;
}

} // namespace

extern "C" {

// The n-th request of the engine from now on is refused; none for n <= 0.
EXPORTED void coring_fail_heap(long n) {
    if (low == 0) {
        dl_iterate_phdr(find_module, nullptr);
    }
    refusals = 0;
    remaining = n - 1;
}

EXPORTED int coring_heap_refusals() {
    return refusals;
}

EXPORTED void* malloc(std::size_t size) {
    return is_refused(__builtin_return_address(0)) ? nullptr : __libc_malloc(size);
}

EXPORTED void* calloc(std::size_t count, std::size_t size) {
    return is_refused(__builtin_return_address(0)) ? nullptr : __libc_calloc(count, size);
}

EXPORTED void* realloc(void* block, std::size_t size) {
    return is_refused(__builtin_return_address(0)) ? nullptr : __libc_realloc(block, size);
}

EXPORTED void* aligned_alloc(std::size_t alignment, std::size_t size) {
    return is_refused(__builtin_return_address(0)) ? nullptr : __libc_memalign(alignment, size);
}

} // extern "C"

EXPORTED void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return is_refused(__builtin_return_address(0)) ? nullptr : __libc_malloc(size);
}

EXPORTED void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return is_refused(__builtin_return_address(0)) ? nullptr : __libc_malloc(size);
}
