/// When the frames of a pool's history were captured, read without holding any of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tensor_ipc/ring/frame_reader.hpp"

namespace tensor_ipc {

/// The history of a pool as it was at one moment: the newest frame and those before it, up to
/// `history_len` of them, without a gap. What `FrameSource::take_newest` would give, as times.
///
/// Nothing is pinned, so any of these frames may be gone by the time it is wanted. Then the frame
/// cannot be pinned any more, and the times have to be read again.
class FrameTimes {
public:
    /// Reads the slot headers, newest frame first. Makes no system call; allocates at the first
    /// call.
    void read(const FrameReader& reader);

    void clear() noexcept
    {
        announced_.reset();
        captured_ns_.clear();
        slots_.clear();
    }

    /// How many frames; 0 when there is none.
    [[nodiscard]] std::uint32_t count() const noexcept
    {
        return static_cast<std::uint32_t>(slots_.size());
    }

    /// Times of capture, newest frame first: index `age` is that of the frame that is `age` frames
    /// older than the newest.
    [[nodiscard]] std::span<const std::uint64_t> captured_ns() const noexcept
    {
        return captured_ns_;
    }

    /// Number and slot of a frame, age < count().
    [[nodiscard]] FramePlace place(std::uint32_t age) const noexcept
    {
        return {newest_ - age, slots_[age]};
    }

    /// The newest frame that the producer had announced when these were read: whoever waits for
    /// news waits for a later one.
    [[nodiscard]] std::optional<std::uint64_t> announced() const noexcept { return announced_; }

private:
    bool add(const FrameReader& reader, FramePlace place);

    std::optional<std::uint64_t> announced_;
    std::uint64_t newest_ = 0;
    std::vector<std::uint64_t> captured_ns_;
    std::vector<std::uint32_t> slots_;
};

}  // namespace tensor_ipc
