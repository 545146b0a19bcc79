/// Device memory of kind Ipc: one cuMemAlloc, opened elsewhere by a 64-byte handle.
#pragma once

#include "tensor_ipc/cuda/device_memory.hpp"

namespace tensor_ipc::cuda {

class IpcMemory final : public DeviceMemory {
public:
    [[nodiscard]] static Result<std::shared_ptr<DeviceMemory>> create(const ContextRef& context,
                                                                      std::uint64_t bytes);
    [[nodiscard]] static Result<std::shared_ptr<DeviceMemory>> open(const ContextRef& context,
                                                                    const MemoryTicket& ticket);

    IpcMemory(const IpcMemory&) = delete;
    IpcMemory& operator=(const IpcMemory&) = delete;
    IpcMemory(IpcMemory&&) = delete;
    IpcMemory& operator=(IpcMemory&&) = delete;
    ~IpcMemory() override;

    [[nodiscard]] MemoryKind kind() const noexcept override { return MemoryKind::Ipc; }

    void nobody_else_has_it() noexcept override { may_be_open_elsewhere_ = false; }

private:
    enum class Origin : std::uint8_t { Made, Opened };

    IpcMemory(ContextRef context, Origin origin) noexcept;
    [[nodiscard]] Result<void> offer(MemoryTicket& ticket, std::uint32_t mode) override;

    Origin origin_;
    bool may_be_open_elsewhere_ = false;
};

}  // namespace tensor_ipc::cuda
