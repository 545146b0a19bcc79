/// An open segment: its descriptor, its control bytes and what they said when they were checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tensor_ipc/cuda/memory_ticket.hpp"
#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"
#include "tensor_ipc/os/mappable_file.hpp"
#include "tensor_ipc/os/mapping.hpp"

namespace tensor_ipc {

/// Owner of a descriptor that carries kernel locks. A forked child never keeps it (fork_epoch.hpp).
class LockingDescriptor {
public:
    LockingDescriptor() = default;
    explicit LockingDescriptor(os::FileDescriptor fd);
    LockingDescriptor(LockingDescriptor&& other) noexcept = default;
    LockingDescriptor& operator=(LockingDescriptor&& other) noexcept;
    LockingDescriptor(const LockingDescriptor&) = delete;
    LockingDescriptor& operator=(const LockingDescriptor&) = delete;

    ~LockingDescriptor() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_.get(); }

    /// Closes it, which drops its locks. In a forked child it is closed already.
    void reset() noexcept;

private:
    os::FileDescriptor fd_;
    std::uint32_t epoch_ = 0;
};

/// A segment whose header was found sound. Move-only.
struct SegmentFile {
    std::string segment_name;  ///< in /dev/shm, without a slash
    PoolMetadata metadata;
    Geometry geometry;
    os::Mapping control;  ///< the first `geometry.payload_offset` bytes, writable
    LockingDescriptor fd;
    os::MappableFile mappable;     ///< for the payload; whoever keeps the segment closes it
    std::uint32_t fork_epoch = 0;  ///< of the process that opened it
    std::optional<cuda::MemoryTicket> ticket;  ///< of the payload, where it lies on a device

    [[nodiscard]] PoolHeader& header() const noexcept
    {
        return *reinterpret_cast<PoolHeader*>(control.data());
    }

    /// Whether this process is a forked child of the one that opened it.
    [[nodiscard]] bool is_parents() const noexcept { return fork_epoch != os::fork_epoch(); }
};

}  // namespace tensor_ipc
