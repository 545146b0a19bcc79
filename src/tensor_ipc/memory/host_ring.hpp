/// The payload ring of a pool in host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/memory/ring_mapping.hpp"

namespace tensor_ipc {

/// The ring as producers write it and consumers read it, for whom it is read-only.
class HostRing {
public:
    HostRing() = default;

    [[nodiscard]] static Result<HostRing> map(int fd, const Geometry& geometry,
                                              os::Protection protection)
    {
        auto mapping = map_ring(fd, geometry, protection);
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

    /// All that is mapped: both halves, where it is mapped twice.
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
