#include "tensor_ipc/pool/private_window.hpp"

#include "tensor_ipc/pool/device_reader.hpp"

namespace tensor_ipc {

Result<PrivateWindow> PrivateWindow::over(std::shared_ptr<const FrameWindow> window)
{
    PrivateWindow made;
    if (window->copied()) {
        std::byte* copy = window->hold_->host_copy();
        made.lowest_ = copy + (window->lowest_ - copy);
    } else {
        auto ring = window->pool_->private_payload();
        if (!ring) {
            return ring.error();
        }
        made.ring_ = *ring;
        made.lowest_ = made.ring_->hold(window->run_in_ring(), window->count_);
    }
    made.window_ = std::move(window);
    return made;
}

PrivateWindow& PrivateWindow::operator=(PrivateWindow&& other) noexcept
{
    if (this != &other) {
        release();
        window_ = std::move(other.window_);
        ring_ = other.ring_;
        lowest_ = other.lowest_;
    }
    return *this;
}

void PrivateWindow::release() noexcept
{
    // In a forked child the books, and the lock over them, are the parent's.
    if (window_ != nullptr && ring_ != nullptr && !window_->pool_->segment().is_parents()) {
        ring_->release(window_->run_in_ring(), window_->count_);
    }
    window_.reset();  // unpins, now that nothing written is left
}

}  // namespace tensor_ipc
