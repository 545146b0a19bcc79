/// The payload ring in the address space of a process.
#pragma once

#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/os/mapping.hpp"

namespace tensor_ipc {

/// Maps the ring twice, back to back: frames in consecutive slots are one strided array, also where
/// the ring wraps around. Once, where no array has more than one frame.
[[nodiscard]] inline Result<os::Mapping> map_ring(int fd, const Geometry& geometry,
                                                  os::Protection protection)
{
    const auto map = geometry.history_len > 1 ? os::Mapping::shared_twice : os::Mapping::shared;
    return map(fd, geometry.payload_offset, geometry.ring_bytes, protection);
}

}  // namespace tensor_ipc
