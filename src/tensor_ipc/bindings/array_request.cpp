#include "tensor_ipc/bindings/array_request.hpp"

#include <cstring>

namespace tensor_ipc::bindings {

namespace {

void fill(const FrameWindow& window, const ArrayRequest& request, std::byte* into)
{
    const std::size_t frame_bytes = window.bytes().size();
    const std::uint32_t frames = request.frames_of(window);
    for (std::uint32_t place = 0; place < frames; ++place) {
        const std::uint32_t age = request.latest_first ? place : frames - 1 - place;
        std::byte* at = into + place * frame_bytes;
        if (age < window.count()) {
            std::memcpy(at, window.bytes(age).data(), frame_bytes);
        } else if (request.padding == Padding::Repeat) {
            std::memcpy(at, window.bytes(window.count() - 1).data(), frame_bytes);
        } else {
            std::memset(at, 0, frame_bytes);
        }
    }
}

}  // namespace

void copy_bytes(std::span<const std::byte> from, std::byte* into)
{
    if (from.empty()) {
        return;
    }
    if (from.size() >= kBytesWorthTheGil) {
        const nb::gil_scoped_release unlocked;
        std::memcpy(into, from.data(), from.size());
    } else {
        std::memcpy(into, from.data(), from.size());
    }
}

StridedLayout layout_of_copy(const FrameWindow& window, const ArrayRequest& request)
{
    if (request.frames == 1) {
        return frame_layout(window.metadata(), window.info().extent);
    }
    return frames_layout(window.metadata(), request.frames_of(window),
                         static_cast<std::int64_t>(window.bytes().size()));
}

void copy_frames(const FrameWindow& window, const ArrayRequest& request, std::byte* into)
{
    if (request.frames_of(window) * window.bytes().size() >= kBytesWorthTheGil) {
        const nb::gil_scoped_release unlocked;
        fill(window, request, into);
    } else {
        fill(window, request, into);
    }
}

}  // namespace tensor_ipc::bindings
