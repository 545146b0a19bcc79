/// Copying a large frame past the caches.
#pragma once

#include <cstddef>
#include <span>

namespace tensor_ipc {

/// Smaller frames are not worth it.
inline constexpr std::size_t kStreamedBytes = 512UL * 1024UL;

/// As `memcpy`, with stores that do not read the lines they are about to overwrite (on x86-64). For
/// places that are in no cache any more when their turn comes. docs/performance.md has the
/// measurement.
///
/// What was copied is there before whatever the caller releases after it.
///
/// @param into  room for all of `from`; 64-byte aligned, as payloads are
void streaming_copy(std::byte* into, std::span<const std::byte> from) noexcept;

}  // namespace tensor_ipc
