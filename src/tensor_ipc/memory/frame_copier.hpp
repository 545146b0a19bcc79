/// Copying frames into the slots of one pool.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "tensor_ipc/memory/copy_choice.hpp"
#include "tensor_ipc/memory/streaming_copy.hpp"

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
    void copy(std::byte* into, std::span<const std::byte> from) noexcept
    {
        if (kCanStream && from.size() >= kTimedBytes) {
            copy_timed(into, from);
        } else if (!from.empty()) {
            std::memcpy(into, from.data(), from.size());
        }
    }

private:
    void copy_timed(std::byte* into, std::span<const std::byte> from) noexcept;

    CopyChoice choice_;
};

}  // namespace tensor_ipc
