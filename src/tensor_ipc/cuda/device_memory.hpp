/// Memory on a device that several processes can have mapped.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/context.hpp"
#include "tensor_ipc/cuda/memory_ticket.hpp"

namespace tensor_ipc::cuda {

/// One whole allocation, made here or opened here. Released when this dies: whoever used it on a
/// stream has waited for that before.
class DeviceMemory : public std::enable_shared_from_this<DeviceMemory> {
public:
    /// Makes memory of `kind`, `bytes` rounded up to kAllocationBytes. Its contents are undefined.
    /// @return CudaOutOfMemory, or CudaUnsupported when the device cannot share memory that way
    [[nodiscard]] static Result<std::shared_ptr<DeviceMemory>> create(const ContextRef& context,
                                                                      MemoryKind kind,
                                                                      std::uint64_t bytes);

    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;
    DeviceMemory(DeviceMemory&&) = delete;
    DeviceMemory& operator=(DeviceMemory&&) = delete;
    virtual ~DeviceMemory() = default;

    /// Where it begins. A host access to it faults.
    [[nodiscard]] DevicePointer address() const noexcept { return address_; }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    [[nodiscard]] const ContextRef& context() const noexcept { return context_; }

    /// Whether the same memory lies behind its end once more, so that a ring in it goes on there.
    [[nodiscard]] virtual bool is_mapped_twice() const noexcept { return false; }

    [[nodiscard]] virtual MemoryKind kind() const noexcept = 0;

    /// Lets other processes open it; called once, by its creator.
    ///
    /// @param mode  permission bits of the socket that hands Vmm memory out (write permission is
    ///              what counts); no meaning for Ipc memory, which the ticket alone opens
    /// @return the ticket for them
    [[nodiscard]] Result<MemoryTicket> share(std::uint32_t mode);

    /// Ends `share`: nobody else gets Vmm memory from now on, and its socket is gone. Those who
    /// have it keep it. A handle of Ipc memory cannot be taken back.
    virtual void stop_sharing() noexcept {}

    /// Says that no other process has it open any more, or ever will.
    ///
    /// To free Ipc memory that others have open is undefined behaviour of the driver, and nothing
    /// tells its creator. So shared Ipc memory of which this was not said stays allocated until the
    /// process ends. Vmm memory is counted by the kernel and needs no such word.
    virtual void nobody_else_has_it() noexcept {}

protected:
    explicit DeviceMemory(ContextRef context) noexcept : context_(std::move(context)) {}

    /// Its part of `share`: the handle, or the socket.
    [[nodiscard]] virtual Result<void> offer(MemoryTicket& ticket, std::uint32_t mode) = 0;

    void set_range(DevicePointer address, std::uint64_t bytes) noexcept
    {
        address_ = address;
        bytes_ = bytes;
    }

private:
    ContextRef context_;
    DevicePointer address_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace tensor_ipc::cuda
