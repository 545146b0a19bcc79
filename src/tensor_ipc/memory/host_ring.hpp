/// The payload ring of a pool in host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/os/mapping.hpp"

namespace tensor_ipc {

/// Maps the ring twice, back to back: frames in consecutive slots are one strided array, also where
/// the ring wraps around. Read-only in consumers.
class HostRing {
public:
    HostRing() = default;

    [[nodiscard]] static Result<HostRing> map(int fd, const Geometry& geometry,
                                              os::Protection protection)
    {
        auto mapping =
            os::Mapping::shared_twice(fd, geometry.payload_offset, geometry.ring_bytes, protection);
        if (!mapping) {
            return mapping.error();
        }
        return HostRing(std::move(mapping).value(), geometry);
    }

    /// The payload of one slot, `frame_bytes` long.
    [[nodiscard]] std::byte* slot(std::uint32_t slot) const noexcept
    {
        return mapping_.data() + geometry_.payload_in_ring(slot);
    }

    /// The lowest payload of `count` consecutive slots; see Geometry::run_in_ring.
    [[nodiscard]] const std::byte* run(std::uint32_t newest, std::uint32_t count) const noexcept
    {
        return mapping_.data() + geometry_.run_in_ring(newest, count);
    }

    /// Both halves.
    [[nodiscard]] std::span<std::byte> mapped() const noexcept
    {
        return {mapping_.data(), mapping_.bytes()};
    }

private:
    HostRing(os::Mapping mapping, const Geometry& geometry) noexcept
        : mapping_(std::move(mapping)), geometry_(geometry)
    {
    }

    os::Mapping mapping_;
    Geometry geometry_;
};

}  // namespace tensor_ipc
