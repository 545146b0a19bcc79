#include "tensor_ipc/memory/private_ring.hpp"

namespace tensor_ipc {

Result<PrivateRing> PrivateRing::map(int fd, const Geometry& geometry)
{
    auto mapping = map_ring(fd, geometry, os::Protection::CopyOnWrite);
    if (!mapping) {
        return mapping.error();
    }
    return PrivateRing(std::move(mapping).value(), geometry);
}

PrivateRing::PrivateRing(os::Mapping mapping, const Geometry& geometry)
    : mapping_(std::move(mapping)),
      geometry_(geometry),
      holders_(std::size_t{2} * geometry.slot_count)
{
}

std::byte* PrivateRing::hold(std::uint64_t lowest_in_ring, std::uint32_t count) noexcept
{
    const std::uint64_t first = lowest_in_ring / geometry_.slot_stride;
    const std::lock_guard lock(mutex_);
    for (std::uint64_t place = first; place < first + count; ++place) {
        ++holders_[place];
    }
    return mapping_.data() + lowest_in_ring;
}

void PrivateRing::release(std::uint64_t lowest_in_ring, std::uint32_t count) noexcept
{
    const std::uint64_t stride = geometry_.slot_stride;
    const std::uint64_t end = lowest_in_ring / stride + count;
    const std::lock_guard lock(mutex_);
    for (std::uint64_t place = end - count; place < end;) {
        std::uint64_t free = place;
        while (free < end && --holders_[free] == 0) {
            ++free;
        }
        if (free > place) {
            pages_.drop(mapping_.data() + place * stride, (free - place) * stride);
        }
        place = free + 1;  // the one at `free` is held by others, or is the end
    }
}

}  // namespace tensor_ipc
