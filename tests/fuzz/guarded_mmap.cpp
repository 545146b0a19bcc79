/// Mappings with a forbidden page on either side, linked in place of the real ones
/// (`ld --wrap=mmap --wrap=munmap`).
///
/// AddressSanitizer does not watch over mapped files. Without these pages a read outside a mapping
/// may hit its neighbour and go unnoticed; with them it ends in SIGSEGV.
#include <cstdint>
#include <map>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

extern "C" {
// NOLINTBEGIN(*-reserved-identifier)
void* __real_mmap(void*, size_t, int, int, int, off_t);
int __real_munmap(void*, size_t);
// NOLINTEND(*-reserved-identifier)
}

namespace {

struct Guarded {
    std::mutex mutex;
    std::map<void*, size_t> bytes_of;  ///< what lies between the forbidden pages, by its address
};

Guarded& guarded()
{
    static auto* const instance = new Guarded;  // never destroyed: used until the very end
    return *instance;
}

size_t whole_pages(size_t bytes)
{
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

}  // namespace

// NOLINTBEGIN(*-reserved-identifier)
extern "C" void* __wrap_mmap(void* address, size_t bytes, int protection, int flags, int fd,
                             off_t offset)
{
    if (address != nullptr) {
        return __real_mmap(address, bytes, protection, flags, fd, offset);
    }
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t inner = whole_pages(bytes);
    void* outer = __real_mmap(nullptr, inner + 2 * page, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (outer == MAP_FAILED) {
        return MAP_FAILED;
    }
    void* place = static_cast<char*>(outer) + page;
    void* mapped = __real_mmap(place, bytes, protection, flags | MAP_FIXED, fd, offset);
    if (mapped == MAP_FAILED) {
        __real_munmap(outer, inner + 2 * page);
        return MAP_FAILED;
    }
    Guarded& mine = guarded();
    const std::lock_guard lock(mine.mutex);
    mine.bytes_of[mapped] = inner;
    return mapped;
}

extern "C" int __wrap_munmap(void* address, size_t bytes)
{
    Guarded& mine = guarded();
    const std::lock_guard lock(mine.mutex);
    const auto found = mine.bytes_of.find(address);
    if (found == mine.bytes_of.end()) {
        return __real_munmap(address, bytes);
    }
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t inner = found->second;
    mine.bytes_of.erase(found);
    return __real_munmap(static_cast<char*>(address) - page, inner + 2 * page);
}

// NOLINTEND(*-reserved-identifier)
