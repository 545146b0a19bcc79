/// Reading the header of an object that nobody vouches for.
#pragma once

#include <string>

#include "tensor_ipc/layout/geometry.hpp"

namespace tensor_ipc {

/// Copies the header with read(2), which cannot end in SIGBUS whatever the file's size.
/// The magic number is read by itself first: what is behind it is complete once it is there.
/// @return false when the file is too short
[[nodiscard]] bool copy_header(int fd, PoolHeader& copy) noexcept;

/// A sound header, and the words of it that change.
struct DescribedSegment {
    DescribedPool pool;
    bool ended = false;
    std::uint64_t object_bytes = 0;
};

/// Copies and checks.
/// @return PoolNotFound while there is no header yet, BadSegment
[[nodiscard]] Result<DescribedSegment> describe(int fd, const std::string& segment_name);

}  // namespace tensor_ipc
