/// How frames are taken from a ring: as views where that is fair to the producer and to others,
/// as copies where not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "tensor_ipc/pool/frame.hpp"
#include "tensor_ipc/pool/patience.hpp"

namespace tensor_ipc {

/// The rules for views:
/// - two slots stay free for the producer, whatever all consumers hold together;
/// - one consumer holds at most `max_slots` slots, so that a list of frames cannot eat the history.
/// What would break one of them is copied instead, and the copy is counted.
class FrameSource {
public:
    /// How many slots a consumer may hold when the option is not given: two of its largest requests
    /// (the one in hand and the next), and at least spare - 1.
    static constexpr std::uint32_t kAutomatic = 0;

    /// What `take` found.
    enum class Outcome : std::uint8_t {
        Taken,
        NoFrame,    ///< nothing was published yet, or the asked frame is gone
        Exhausted,  ///< other consumers held every slot for 200 ms; see Error in Consumer
    };

    /// The newest `count` frames, or as many as the history still has.
    static Outcome take_newest(const AttachmentRef& pool, std::uint32_t count,
                               std::uint32_t max_slots, FrameWindow& into) noexcept;

    /// Frame number `frame`, if it is still there.
    static Outcome take_frame(const AttachmentRef& pool, std::uint64_t frame,
                              std::uint32_t max_slots, FrameWindow& into) noexcept;

    /// The frame at `newest` and the `count - 1` before it. One attempt, for callers who look
    /// again.
    ///
    /// @param accept_fewer  whether older ones may be missing because the producer overwrote them
    /// @return NoFrame when the producer was faster
    static Outcome take_run(const AttachmentRef& pool, FramePlace newest, std::uint32_t count,
                            std::uint32_t max_slots, bool accept_fewer, FrameWindow& into) noexcept;

    /// Copies of these frames, newest first, which need not be successive. One attempt, as above.
    static Outcome copy_chosen(const AttachmentRef& pool, std::span<const std::uint64_t> frames,
                               bool accept_fewer, FrameWindow& into) noexcept;

private:
    enum class View : std::uint8_t {
        Taken,
        Overtaken,  ///< the producer was faster; look again
        MustCopy,   ///< not in consecutive slots, or not fair to others
    };

    using Held = std::unique_ptr<FrameHold, LetGoInStreamOrder>;

    static Held hold_run(const AttachmentRef& pool, const DeviceReader& device,
                         std::uint32_t newest_slot, std::uint32_t count) noexcept;
    static View try_view(const AttachmentRef& pool, FramePlace newest, std::uint32_t count,
                         std::uint32_t max_slots, bool accept_fewer, FrameWindow& into) noexcept;
    static Outcome copy_frames(const AttachmentRef& pool, std::uint64_t newest, std::uint32_t count,
                               Patience& patience, FrameWindow& into) noexcept;
    template <typename FrameAt>
    static Outcome copy_each(const AttachmentRef& pool, std::uint32_t count,
                             const FrameAt& frame_at, Patience& patience,
                             FrameWindow& into) noexcept;
};

}  // namespace tensor_ipc
