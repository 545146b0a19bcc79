/// Whether the next frame or piece may go out, by the limits that a mirror asked for.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tensor_ipc::mirror {

/// Frames a second and bytes a second, in points of time. Knows no clock of its own.
class Pacer {
public:
    /// @param period_ns    from one frame to the next; 0 for no limit
    /// @param bytes_per_s  of payload; 0 for no limit
    Pacer(std::uint64_t period_ns, std::uint64_t bytes_per_s) noexcept
        : period_ns_(period_ns), bytes_per_s_(bytes_per_s)
    {
    }

    /// When the next frame may begin.
    [[nodiscard]] std::uint64_t frame_due_ns() const noexcept
    {
        return std::max(frame_due_ns_, piece_due_ns_);
    }

    /// When the next piece may go out.
    [[nodiscard]] std::uint64_t piece_due_ns() const noexcept { return piece_due_ns_; }

    /// A source at just this rate keeps it: times are counted from when the frame was due, unless
    /// that is more than a period ago.
    void began_frame(std::uint64_t now_ns) noexcept
    {
        const bool is_late = now_ns - frame_due_ns_ > period_ns_;
        frame_due_ns_ = (is_late ? now_ns : frame_due_ns_) + period_ns_;
    }

    void sent(std::uint64_t bytes, std::uint64_t now_ns) noexcept
    {
        if (bytes_per_s_ != 0) {
            const double ns = static_cast<double>(bytes) * 1e9 / static_cast<double>(bytes_per_s_);
            piece_due_ns_ = std::max(piece_due_ns_, now_ns) + static_cast<std::uint64_t>(ns);
        }
    }

private:
    std::uint64_t period_ns_;
    std::uint64_t bytes_per_s_;
    std::uint64_t frame_due_ns_ = 0;
    std::uint64_t piece_due_ns_ = 0;
};

}  // namespace tensor_ipc::mirror
