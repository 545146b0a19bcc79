/// Device memory of kind Vmm: cuMemCreate, mapped by each process into addresses of its own, opened
/// elsewhere by a file descriptor that its creator hands out.
#pragma once

#include <optional>

#include "tensor_ipc/cuda/device_memory.hpp"
#include "tensor_ipc/os/descriptor_passing.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::cuda {

class VmmMemory final : public DeviceMemory {
public:
    [[nodiscard]] static Result<std::shared_ptr<DeviceMemory>> create(const ContextRef& context,
                                                                      std::uint64_t bytes);

    /// Asks the creator for the descriptor, until `deadline_ns` (CLOCK_MONOTONIC). Blocking.
    [[nodiscard]] static Result<std::shared_ptr<DeviceMemory>> open(const ContextRef& context,
                                                                    const MemoryTicket& ticket,
                                                                    std::uint64_t deadline_ns);

    VmmMemory(const VmmMemory&) = delete;
    VmmMemory& operator=(const VmmMemory&) = delete;
    VmmMemory(VmmMemory&&) = delete;
    VmmMemory& operator=(VmmMemory&&) = delete;
    ~VmmMemory() override;

    [[nodiscard]] MemoryKind kind() const noexcept override { return MemoryKind::Vmm; }

    void stop_sharing() noexcept override { server_.reset(); }

    [[nodiscard]] bool is_mapped_twice() const noexcept override { return true; }

    /// Whether the device has such memory.
    [[nodiscard]] static Result<bool> is_supported(const PrimaryContext& context);

private:
    explicit VmmMemory(ContextRef context) noexcept : DeviceMemory(std::move(context)) {}

    [[nodiscard]] Result<void> offer(MemoryTicket& ticket, std::uint32_t mode) override;

    /// Maps `allocation_` twice, back to back. What was done of it is undone by the destructor.
    [[nodiscard]] Result<void> map(std::uint64_t bytes, MemoryAccess access);

    std::optional<AllocationHandle> allocation_;
    DevicePointer reserved_ = 0;  ///< twice `bytes_each_`
    std::uint64_t bytes_each_ = 0;
    int times_mapped_ = 0;
    std::optional<os::DescriptorServer> server_;
};

}  // namespace tensor_ipc::cuda
