#include "tensor_ipc/bindings/array_request.hpp"

#include <algorithm>
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

/// The same from a device, where each copy may be refused.
Result<void> fill_from_device(const FrameWindow& window, const ArrayRequest& request,
                              std::byte* into)
{
    const std::size_t frame_bytes = window.payload_bytes();
    const std::uint32_t frames = request.frames_of(window);
    for (std::uint32_t place = 0; place < frames; ++place) {
        const std::uint32_t age = request.latest_first ? place : frames - 1 - place;
        const std::span at(into + place * frame_bytes, frame_bytes);
        if (age >= window.count() && request.padding == Padding::Zero) {
            std::ranges::fill(at, std::byte{0});
        } else if (auto copied = window.copy_to_host(at, std::min(age, window.count() - 1));
                   !copied) {
            return copied;
        }
    }
    return {};
}

}  // namespace

ArrayRequest request_of(const FrameWindow& window, dlpack::FrameOrder order)
{
    ArrayRequest request;
    // More than one is what gives the array an axis for them.
    request.frames = order.axis == dlpack::FrameAxis::None ? 1 : std::max(window.count(), 2U);
    request.latest_first = order.latest_first;
    return request;
}

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

HostBytes::HostBytes(const FrameWindow& window, std::uint32_t age)
{
    if (!window.on_device()) {
        span_ = window.bytes(age);
        return;
    }
    owned_.resize(window.payload_bytes(age));
    const auto copied = [&] {
        const nb::gil_scoped_release unlocked;
        return window.copy_to_host(owned_, age);
    }();
    unwrap(copied);
    span_ = owned_;
}

StridedLayout layout_of_copy(const FrameWindow& window, const ArrayRequest& request)
{
    if (request.frames == 1) {
        return frame_layout(window.metadata(), window.info().extent);
    }
    return frames_layout(window.metadata(), request.frames_of(window),
                         static_cast<std::int64_t>(window.payload_bytes()));
}

void copy_frames(const FrameWindow& window, const ArrayRequest& request, std::byte* into)
{
    if (window.on_device()) {
        const auto copied = [&] {
            const nb::gil_scoped_release unlocked;
            return fill_from_device(window, request, into);
        }();
        unwrap(copied);
    } else if (request.frames_of(window) * window.bytes().size() >= kBytesWorthTheGil) {
        const nb::gil_scoped_release unlocked;
        fill(window, request, into);
    } else {
        fill(window, request, into);
    }
}

}  // namespace tensor_ipc::bindings
