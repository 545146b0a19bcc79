/// A pool's payload in host memory as the CUDA driver has locked it ("pinned"), or why it has not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tensor_ipc/cuda/host_registration.hpp"
#include "tensor_ipc/pool/late_unpins.hpp"

namespace tensor_ipc {

/// The registration of one mapping of one process. Goes before the mapping does.
///
/// To be refused is not an error: the memory works as before, and copies from and to it run at the
/// speed of pageable memory.
class Pinning {
public:
    /// Has the driver lock a producer's payload. Loads CUDA, makes the device's primary context
    /// where there is none yet, and takes time for each gigabyte. Blocking.
    /// @param device  this process's number of the GPU whose context the registration belongs to;
    ///                other GPUs copy as fast
    [[nodiscard]] static std::unique_ptr<Pinning> of_producer(std::span<std::byte> payload,
                                                              int device);

    /// The same for a consumer's payload, which it may only read. Frames of a pinned payload are
    /// let go of late (late_unpins()).
    /// @param streams  LateUnpins::add_stream
    [[nodiscard]] static std::unique_ptr<Pinning> of_consumer(
        std::span<std::byte> payload, int device, Attachment& attachment,
        std::span<const cuda::StreamHandle> streams);

    /// What was not even asked of the driver.
    [[nodiscard]] static std::unique_ptr<Pinning> refused(std::string reason);

    [[nodiscard]] bool is_granted() const noexcept { return registration_.has_value(); }

    /// Why it was not granted, with what to do; else empty.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

    /// How a consumer's frames are let go of; null where copies were never asynchronous.
    [[nodiscard]] LateUnpins* late_unpins() const noexcept { return late_unpins_.get(); }

private:
    Pinning() = default;

    [[nodiscard]] Result<cuda::ContextRef> lock(std::span<std::byte> payload, int device,
                                                cuda::HostRegistration::Access access);

    std::optional<cuda::HostRegistration> registration_;
    std::unique_ptr<LateUnpins> late_unpins_;
    std::string refusal_;
};

}  // namespace tensor_ipc
