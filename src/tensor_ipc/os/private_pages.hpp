/// The pages of a CopyOnWrite mapping that were written to: found, and thrown away.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::os {

/// How private pages are found, fastest first.
enum class PageSearch : std::uint8_t {
    Scan,     ///< ioctl PAGEMAP_SCAN, Linux 6.7
    Pagemap,  ///< reading /proc/self/pagemap
    Blind,    ///< not at all: everything is thrown away, and faulted in again when it is read
};

/// Makes parts of a CopyOnWrite mapping show their file again. Thread-safe. Of no use in a forked
/// child: what it opened describes the memory of the process that made it.
class PrivatePages {
public:
    /// With the fastest search of this kernel.
    PrivatePages() noexcept : PrivatePages(PageSearch::Scan) {}

    /// With the fastest search that is not faster than `best`.
    explicit PrivatePages(PageSearch best) noexcept;

    /// Throws the private pages of a range away. Allocates nothing; a few system calls.
    ///
    /// Nobody may write to the range meanwhile. Reads see the old or the file's bytes.
    /// @param begin, bytes  whole pages of one CopyOnWrite mapping
    void drop(std::byte* begin, std::uint64_t bytes) const noexcept;

    [[nodiscard]] PageSearch search() const noexcept { return search_; }

private:
    FileDescriptor pagemap_;
    PageSearch search_ = PageSearch::Blind;
};

}  // namespace tensor_ipc::os
