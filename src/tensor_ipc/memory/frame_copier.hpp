/// Copying frames into the slots of one pool.
#pragma once

#include <cstddef>
#include <span>

#include "tensor_ipc/memory/copy_choice.hpp"

namespace tensor_ipc {

/// Copies in the way that turns out to be faster for this pool (copy_choice.hpp).
///
/// Threads: any.
class FrameCopier {
public:
    /// Smaller frames are not worth the clock; they go through the caches.
    static constexpr std::size_t kTimedBytes = 256UL * 1024UL;

    /// As `memcpy`. What was copied is there before whatever the caller releases after it.
    /// @param into  room for all of `from`; 64-byte aligned, as payloads are
    void copy(std::byte* into, std::span<const std::byte> from) noexcept;

private:
    CopyChoice choice_;
};

}  // namespace tensor_ipc
