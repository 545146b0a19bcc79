#include "tensor_ipc/os/private_pages.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc::os {

namespace {

// PAGEMAP_SCAN as <linux/fs.h> has it from Linux 6.7 on; older headers lack it. Source: the
// kernel's Documentation/admin-guide/mm/pagemap.rst.
struct ScanRegion {
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t categories;
};

struct ScanRequest {
    std::uint64_t size;
    std::uint64_t flags;
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t walk_end;
    std::uint64_t regions;
    std::uint64_t region_count;
    std::uint64_t max_pages;
    std::uint64_t category_inverted;
    std::uint64_t category_mask;
    std::uint64_t category_anyof_mask;
    std::uint64_t return_mask;
};

static_assert(sizeof(ScanRegion) == 24);
static_assert(sizeof(ScanRequest) == 96);

constexpr std::uint64_t kIsFile = 1U << 2U;
constexpr std::uint64_t kIsPresent = 1U << 3U;
constexpr std::uint64_t kIsSwapped = 1U << 4U;
constexpr unsigned long kScan = _IOWR('f', 16, ScanRequest);

// Bits of an entry of /proc/self/pagemap. Source: the same document.
constexpr std::uint64_t kEntryPresent = 1ULL << 63U;
constexpr std::uint64_t kEntrySwapped = 1ULL << 62U;
constexpr std::uint64_t kEntryFile = 1ULL << 61U;

std::uint64_t address_of(const std::byte* at)
{
    return reinterpret_cast<std::uintptr_t>(at);
}

void throw_away(std::uint64_t start, std::uint64_t end)
{
    // Cannot fail for pages of a private file mapping.
    ::madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED);  // NOLINT(*-int-to-ptr)
}

/// @return how far it came; less than `end` when the kernel refused
std::uint64_t drop_by_scan(int pagemap, std::uint64_t start, std::uint64_t end)
{
    std::array<ScanRegion, 64> regions{};
    while (start < end) {
        // A page is private when it is there, in memory or in swap, and is not the file's.
        ScanRequest request{};
        request.size = sizeof request;
        request.start = start;
        request.end = end;
        request.regions = reinterpret_cast<std::uintptr_t>(regions.data());
        request.region_count = regions.size();
        request.category_inverted = kIsFile;
        request.category_mask = kIsFile;
        request.category_anyof_mask = kIsPresent | kIsSwapped;
        request.return_mask = kIsPresent;
        const int found = ::ioctl(pagemap, kScan, &request);
        if (found < 0 || request.walk_end <= start) {
            return start;
        }
        for (const ScanRegion& region : std::span(regions).first(static_cast<std::size_t>(found))) {
            throw_away(region.start, region.end);
        }
        start = request.walk_end;
    }
    return end;
}

std::uint64_t drop_by_pagemap(int pagemap, std::uint64_t start, std::uint64_t end)
{
    const std::uint64_t page = page_bytes();
    std::array<std::uint64_t, 512> entries{};
    while (start < end) {
        const std::uint64_t wanted = std::min<std::uint64_t>((end - start) / page, entries.size());
        const auto got = ::pread(pagemap, entries.data(), wanted * sizeof(std::uint64_t),
                                 static_cast<off_t>(start / page * sizeof(std::uint64_t)));
        if (got < static_cast<ssize_t>(sizeof(std::uint64_t))) {
            return start;
        }
        const auto count = static_cast<std::size_t>(got) / sizeof(std::uint64_t);
        for (const std::uint64_t entry : std::span(entries).first(count)) {
            if ((entry & (kEntryPresent | kEntrySwapped)) != 0 && (entry & kEntryFile) == 0) {
                throw_away(start, start + page);
            }
            start += page;
        }
    }
    return end;
}

bool can_scan(int pagemap)
{
    alignas(8) const std::byte here{};
    const std::uint64_t start = address_of(&here) / page_bytes() * page_bytes();
    ScanRequest request{};
    request.size = sizeof request;
    request.start = start;
    request.end = start + page_bytes();
    request.category_mask = kIsPresent;
    request.return_mask = kIsPresent;
    return ::ioctl(pagemap, kScan, &request) >= 0;
}

}  // namespace

PrivatePages::PrivatePages(PageSearch best) noexcept
{
    if (best == PageSearch::Blind) {
        return;
    }
    pagemap_ = FileDescriptor(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (pagemap_) {
        const bool scans = best == PageSearch::Scan && can_scan(pagemap_.get());
        search_ = scans ? PageSearch::Scan : PageSearch::Pagemap;
    }
}

void PrivatePages::drop(std::byte* begin, std::uint64_t bytes) const noexcept
{
    std::uint64_t start = address_of(begin);
    const std::uint64_t end = start + bytes;
    if (search_ == PageSearch::Scan) {
        start = drop_by_scan(pagemap_.get(), start, end);
    } else if (search_ == PageSearch::Pagemap) {
        start = drop_by_pagemap(pagemap_.get(), start, end);
    }
    if (start < end) {
        throw_away(start, end);
    }
}

}  // namespace tensor_ipc::os
