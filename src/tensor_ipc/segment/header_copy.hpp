/// Reading the header of an object that nobody vouches for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tensor_ipc/cuda/memory_ticket.hpp"
#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc {

/// Copies the header with read(2), which cannot end in SIGBUS whatever the file's size.
/// The magic number is read by itself first: what is behind it is complete once it is there.
/// @return false when the file is too short
[[nodiscard]] bool copy_header(int fd, PoolHeader& copy) noexcept;

/// A sound header, and the words of it that change.
struct DescribedSegment {
    DescribedPool pool;
    std::optional<cuda::MemoryTicket> ticket;  ///< where the payload lies on a device
    bool ended = false;
    std::uint64_t object_bytes = 0;
};

/// Copies and checks.
/// @return PoolNotFound while there is no header yet, BadSegment
[[nodiscard]] Result<DescribedSegment> describe(int fd, const std::string& segment_name);

/// The same, for those who know what facts_of() tells.
[[nodiscard]] Result<DescribedSegment> describe(int fd, const os::FileFacts& facts,
                                                const std::string& segment_name);

/// The control bytes as they were when they were read, for those who only look. They are read as
/// the header is, because the segment may be another user's, who can make it shorter at any time.
class ControlCopy {
public:
    [[nodiscard]] static Result<ControlCopy> read(int fd, const Geometry& geometry,
                                                  const std::string& segment_name);

    [[nodiscard]] const std::byte* data() const noexcept { return lines_.front().bytes; }

private:
    struct alignas(64) Line {
        std::byte bytes[64];  // NOLINT(*-avoid-c-arrays)
    };

    std::vector<Line> lines_;
};

/// The ticket of a header, unchecked.
[[nodiscard]] cuda::MemoryTicket ticket_of(const PoolHeader& header) noexcept;

/// Something else than a file has the name.
[[nodiscard]] Error not_a_file(const std::string& segment_name);

}  // namespace tensor_ipc
