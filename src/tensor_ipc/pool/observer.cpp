#include "tensor_ipc/pool/observer.hpp"

#include <utility>

namespace tensor_ipc {

PoolObserver::PoolObserver(SegmentFile segment) noexcept
    : segment_(std::move(segment)), memory_(segment_.control.data(), segment_.geometry)
{
    segment_.mappable.close();  // the payload is nothing to look at here
}

Result<std::optional<PoolObserver>> PoolObserver::open(const std::string& pool_name)
{
    using Outcome = std::optional<PoolObserver>;
    auto segment = open_for_consumer(pool_name);
    if (!segment) {
        return segment.error();
    }
    if (!segment->has_value()) {
        return Outcome{};
    }
    return Outcome(PoolObserver(std::move(**segment)));
}

std::uint64_t PoolObserver::generation() const noexcept
{
    return memory_.header().generation.load(std::memory_order_relaxed);
}

std::uint32_t PoolObserver::producer_pid() const noexcept
{
    return memory_.header().producer_pid.load(std::memory_order_relaxed);
}

std::optional<std::uint64_t> PoolObserver::latest() const noexcept
{
    const auto place = memory_.latest();
    return place ? std::optional(place->frame) : std::nullopt;
}

std::optional<PoolProgress> PoolObserver::progress() const noexcept
{
    const auto place = memory_.latest();
    if (!place) {
        return std::nullopt;
    }
    const SlotHeader& slot = memory_.slot(place->slot);
    const std::uint64_t wanted = state_of_frame(place->frame);
    // sync frame-bytes and frame-times (acquire), as FrameReader::captured_ns: the times are this
    // frame's when its number is there before and after. (That of publication is stored relaxed, so
    // where stores overtake it may be that of the frame which overwrites this one just now.)
    if (slot.state.load(std::memory_order_acquire) != wanted) {
        return std::nullopt;
    }
    const PoolProgress found{place->frame, slot.captured_ns.load(std::memory_order_acquire),
                             slot.published_ns.load(std::memory_order_acquire)};
    if (slot.state.load(std::memory_order_relaxed) != wanted) {
        return std::nullopt;
    }
    return found;
}

}  // namespace tensor_ipc
