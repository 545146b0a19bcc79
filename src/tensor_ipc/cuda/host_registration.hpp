/// Host memory that the device may copy from and to at full speed while the CPU goes on: the driver
/// locks its pages ("pinned"). It stays ordinary memory to everyone else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/context.hpp"

namespace tensor_ipc::cuda {

/// The driver's hold on one mapping of this process. Goes before the mapping does. Move-only.
///
/// Locking takes time once: published figures are 1 to 9 GB/s.
class HostRegistration {
public:
    enum class Access : std::uint8_t {
        ReadOnly,  ///< for a mapping without write permission; needs a device that can (attribute
                   ///< 113)
        ReadWrite,
    };

    /// @return CudaUnsupported, CudaFailed or CudaOutOfMemory: the memory is as before, and works
    /// as
    ///         pageable memory
    [[nodiscard]] static Result<HostRegistration> create(ContextRef context, void* data,
                                                         std::uint64_t bytes, Access access);

    HostRegistration(HostRegistration&& other) noexcept;
    HostRegistration& operator=(HostRegistration&& other) noexcept;
    HostRegistration(const HostRegistration&) = delete;
    HostRegistration& operator=(const HostRegistration&) = delete;
    ~HostRegistration();

    /// False when somebody else in this process had registered the range already: it is as good,
    /// and stays theirs.
    [[nodiscard]] bool is_ours() const noexcept { return data_ != nullptr; }

private:
    HostRegistration(ContextRef context, void* data) noexcept;

    ContextRef context_;
    void* data_;
};

}  // namespace tensor_ipc::cuda
