/// Which GPU is which. Ordinals are a process's own (CUDA_VISIBLE_DEVICES reorders them), so
/// processes tell each other UUIDs.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/driver.hpp"

namespace tensor_ipc::cuda {

/// The same for one GPU, or one part of a divided one, in every process.
struct DeviceUuid {
    std::array<std::uint8_t, 16> bytes{};
    friend bool operator==(const DeviceUuid&, const DeviceUuid&) = default;
};

/// `GPU-01234567-89ab-cdef-0123-456789abcdef`, as nvidia-smi has it.
[[nodiscard]] std::string to_string(const DeviceUuid& uuid);

/// A GPU that this process can use.
struct Device {
    int ordinal = 0;          ///< this process's number for it, as in `cuda:0`
    DeviceHandle handle = 0;  ///< the driver's
    DeviceUuid uuid;
    std::string name;  ///< "NVIDIA H100 80GB HBM3"
};

/// All of them, by ordinal.
[[nodiscard]] Result<std::vector<Device>> visible_devices(const Driver& driver);

/// @return CudaUnavailable, naming how many there are, when there is none of that number
[[nodiscard]] Result<Device> device_at(const Driver& driver, int ordinal);

/// @return CudaUnavailable, naming the visible ones and CUDA_VISIBLE_DEVICES, when this process
///         does not see it
[[nodiscard]] Result<Device> find_device(const Driver& driver, const DeviceUuid& uuid);

/// Whether the device has it.
[[nodiscard]] Result<bool> has(const Driver& driver, const Device& device,
                               DeviceAttribute attribute);

}  // namespace tensor_ipc::cuda
