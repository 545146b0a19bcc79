#include "tensor_ipc/memory/streaming_copy.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace tensor_ipc {

namespace {

#if defined(__x86_64__)

constexpr std::size_t kLine = 64;

/// Writes whole lines with stores that leave the caches alone; returns how many bytes that were.
std::size_t stream_lines(std::byte* into, std::span<const std::byte> from) noexcept
{
    const std::size_t bytes = from.size() / kLine * kLine;
    for (std::size_t at = 0; at < bytes; at += kLine) {
        const auto* source = reinterpret_cast<const __m128i*>(from.data() + at);
        auto* line = reinterpret_cast<__m128i*>(into + at);
        const __m128i first = _mm_loadu_si128(source);
        const __m128i second = _mm_loadu_si128(source + 1);
        const __m128i third = _mm_loadu_si128(source + 2);
        const __m128i fourth = _mm_loadu_si128(source + 3);
        _mm_stream_si128(line, first);
        _mm_stream_si128(line + 1, second);
        _mm_stream_si128(line + 2, third);
        _mm_stream_si128(line + 3, fourth);
    }
    // sync frame-bytes: such stores may be seen after later ones, of the state for one, but not
    // across this fence.
    _mm_sfence();
    return bytes;
}

#else

std::size_t stream_lines(std::byte*, std::span<const std::byte>) noexcept
{
    return 0;
}

#endif

}  // namespace

void streaming_copy(std::byte* into, std::span<const std::byte> from) noexcept
{
    const std::size_t streamed = stream_lines(into, from);
    if (streamed < from.size()) {
        std::memcpy(into + streamed, from.data() + streamed, from.size() - streamed);
    }
}

}  // namespace tensor_ipc
