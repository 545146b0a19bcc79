/// Copying a large frame past the caches.
#pragma once

#include <cstddef>
#include <span>

namespace tensor_ipc {

/// Whether streaming_copy does more than `memcpy` on this kind of processor.
#if defined(__x86_64__)
inline constexpr bool kCanStream = true;
#else
inline constexpr bool kCanStream = false;
#endif

/// As `memcpy`, with stores that do not read the lines they are about to overwrite (on x86-64), and
/// leave them in no cache. docs/decisions/0015-timed-copies.md has the measurement.
///
/// What was copied is there before whatever the caller releases after it.
///
/// @param into  room for all of `from`; 64-byte aligned, as payloads are
void streaming_copy(std::byte* into, std::span<const std::byte> from) noexcept;

}  // namespace tensor_ipc
