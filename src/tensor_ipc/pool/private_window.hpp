/// Frames for those who cannot be kept from writing to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "tensor_ipc/pool/frame.hpp"

namespace tensor_ipc {

/// The frames of a window once more, writable. What is written stays in this consumer: no other
/// process sees it, and no later frame in the same slot shows it. Move-only.
///
/// Keeps the window, and so the pins. Other private windows of this consumer that have a frame in
/// common may or may not show the writes (PrivateRing). Copies nothing: pages that are written to
/// are copied by the kernel as that happens. The windows of a forked child's parent must not be
/// written to in the child.
class PrivateWindow {
public:
    PrivateWindow() = default;

    /// @return System when the memory cannot be mapped once more
    [[nodiscard]] static Result<PrivateWindow> over(std::shared_ptr<const FrameWindow> window);

    PrivateWindow(PrivateWindow&& other) noexcept = default;
    PrivateWindow& operator=(PrivateWindow&& other) noexcept;
    PrivateWindow(const PrivateWindow&) = delete;
    PrivateWindow& operator=(const PrivateWindow&) = delete;

    /// Looks for pages that were written to, which takes a system call; see PrivateRing::release.
    ~PrivateWindow() { release(); }

    [[nodiscard]] const FrameWindow& window() const noexcept { return *window_; }

    /// The bytes of the frame that is `age` frames older than the newest, 0 <= age < count().
    [[nodiscard]] std::span<std::byte> bytes(std::uint32_t age = 0) const noexcept
    {
        const std::span<const std::byte> shared = window_->bytes(age);
        return {lowest_ + (shared.data() - window_->lowest_), shared.size()};
    }

private:
    void release() noexcept;

    std::shared_ptr<const FrameWindow> window_;
    PrivateRing* ring_ = nullptr;  ///< null when the window is a copy anyway
    std::byte* lowest_ = nullptr;
};

}  // namespace tensor_ipc
