/// The side that writes a pool whose frames lie in device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/device.hpp"
#include "tensor_ipc/cuda/driver_abi.hpp"
#include "tensor_ipc/cuda/memory_ticket.hpp"
#include "tensor_ipc/layout/slot_headroom.hpp"
#include "tensor_ipc/pool/producer.hpp"

namespace tensor_ipc {

class CudaProducerCore;

/// When `put` and `publish` return.
enum class CudaSync : std::uint8_t {
    /// At once. The frame is published when the device has come so far, by a thread of the driver:
    /// the time of the copy, and 10 to 100 us that the driver takes to call (published figures).
    Stream,
    /// When the frame is published. The caller sleeps for as long as the device takes.
    Block,
};

/// What the producer of a device pool may choose besides the metadata.
struct CudaOptions {
    /// `take_over` has no meaning: the device memory of a dead producer is lost, so a restart
    /// always makes the pool anew.
    SegmentOptions segment = {};
    /// How consumers open the memory; Vmm where the device has it, else Ipc, when not given.
    std::optional<cuda::MemoryKind> memory = {};
    CudaSync sync = CudaSync::Stream;
    /// Whether `put` may copy from another device. Else it refuses.
    bool peer_copy = false;
};

/// One frame to copy in: contiguous, C order.
struct CudaSource {
    const void* address = nullptr;  ///< of any device, or of the host
    std::uint64_t bytes = 0;
    /// The stream that wrote it, and may write it again: the copy comes after what is asked of it
    /// now, and before what is asked of it from now on. Null is the legacy default stream. No
    /// meaning for host memory, which may be written to again when `put` returns.
    cuda::StreamHandle stream = nullptr;
};

/// A slot to write in place, on the device. Dropped, it gives the slot back once the device is done
/// with what was asked of it; its old frame is lost. Move-only. Keeps the memory, also when the
/// producer is gone; `publish` then fails.
class CudaLoan {
public:
    CudaLoan(CudaLoan&& other) noexcept;
    CudaLoan& operator=(CudaLoan&& other) noexcept;
    CudaLoan(const CudaLoan&) = delete;
    CudaLoan& operator=(const CudaLoan&) = delete;
    ~CudaLoan();

    /// Where the payload begins, 512-byte aligned, contents undefined. Not for the host. Writable
    /// until `publish`, by work that is asked of the streams that `publish` or `record_stream`
    /// name.
    [[nodiscard]] cuda::DevicePointer address() const noexcept { return address_; }

    /// `extent` rows.
    [[nodiscard]] std::uint64_t bytes() const noexcept;

    [[nodiscard]] std::uint64_t extent() const noexcept { return extent_; }

    /// Changes how many rows there are, in a pool of varying extent.
    /// @return InvalidArgument for more than the capacity, and for any change in other pools
    Result<void> resize(std::uint64_t extent);

    /// The texts that travel with the frame, in place of those given before. Until `publish`.
    void set_user_metadata(const PackedUserMetadata& packed) noexcept;

    /// Names another stream that writes to the slot: publishing, or giving back, comes after what
    /// is asked of it by then.
    void record_stream(cuda::StreamHandle stream);

    /// Makes the slot the newest frame once `stream`, and those of `record_stream`, have done what
    /// is asked of them now. As CudaSync says.
    ///
    /// @return the number that the frame gets; PoolNotFound when the producer was closed;
    ///         InvalidArgument when this was published already, or when `stream` records a graph;
    ///         Cuda... The slot then stays on loan.
    Result<std::uint64_t> publish(cuda::StreamHandle stream,
                                  std::optional<std::uint64_t> captured_ns = {});

    /// Gives the slot back once the streams of `record_stream` have done what is asked of them now;
    /// the legacy default stream, when none was named. Refused by the driver, the slot is free at
    /// once.
    void drop() noexcept;

    /// Keeps the memory beyond the loan itself, for arrays that were made over it.
    [[nodiscard]] std::shared_ptr<const void> memory() const noexcept;

private:
    friend class CudaProducer;
    CudaLoan(std::shared_ptr<CudaProducerCore> core, std::uint32_t slot,
             std::uint64_t extent) noexcept;

    std::shared_ptr<CudaProducerCore> core_;
    std::vector<cuda::StreamHandle> streams_;
    cuda::DevicePointer address_ = 0;
    std::uint64_t extent_ = 0;
    std::uint32_t slot_ = 0;
    bool holds_slot_ = true;
};

/// Owner of a pool on a device. Not thread-safe, as Producer. Move-only.
///
/// `put` and `loan` never wait for a consumer (Producer says what they do when all slots are
/// pinned). When every free slot waits for the device to copy into it, they wait for the device. In
/// a child that was forked after CUDA was loaded every call fails.
class CudaProducer {
public:
    /// Makes the pool on the device that `metadata.device` names by this process's number,
    /// `cuda:0`. What a dead producer left is removed. Loads the driver and makes the device's
    /// primary context when the process has none, which takes 100s of milliseconds.
    ///
    /// @return as Producer::create; InvalidArgument for another device text; CudaUnavailable,
    ///         CudaUnsupported, CudaOutOfMemory, CudaFailed
    [[nodiscard]] static Result<CudaProducer> create(const PoolMetadata& metadata,
                                                     const CudaOptions& options = {});

    CudaProducer(CudaProducer&&) noexcept = default;
    CudaProducer& operator=(CudaProducer&&) noexcept;
    CudaProducer(const CudaProducer&) = delete;
    CudaProducer& operator=(const CudaProducer&) = delete;

    /// As close().
    ~CudaProducer();

    /// Copies one frame in and publishes it, as CudaSync says. Pinned host memory is waited for in
    /// any case, because it may change when this returns.
    ///
    /// @return the number that the frame gets; InvalidArgument for another size, for memory of
    ///         another device without `peer_copy`, for a stream that records a graph, or for user
    ///         metadata that does not fit; PoolExhausted; PoolNotFound after close(); CudaFailed
    Result<std::uint64_t> put(const CudaSource& frame, const PublishOptions& options = {});

    /// A slot to write in place.
    /// @param extent  rows; as many as there is room for when not given (CudaLoan::resize)
    /// @return PoolExhausted with who holds the slots; InvalidArgument; PoolNotFound after close()
    [[nodiscard]] Result<CudaLoan> loan(std::optional<std::uint64_t> extent = {});

    /// Waits until everything that was put is published. Blocking.
    /// @return CudaFailed when the device cannot do it any more
    [[nodiscard]] Result<void> synchronize();

    /// Ends the pool after everything that was put is published: its name goes, consumers are told.
    /// Their views stay valid. Blocking: for the device, and for Ipc memory up to two seconds for
    /// consumers to let go. When they do not, the memory stays allocated until the process ends.
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept;

    [[nodiscard]] const PoolMetadata& metadata() const noexcept;
    [[nodiscard]] const Geometry& geometry() const noexcept;

    /// Of `frames`, those that are published: the sources of all before are read.
    [[nodiscard]] ProducerStats stats() const noexcept;

    /// Where the frames lie.
    [[nodiscard]] const cuda::Device& device() const noexcept;
    [[nodiscard]] cuda::MemoryKind memory_kind() const noexcept;

private:
    explicit CudaProducer(std::shared_ptr<CudaProducerCore> core) noexcept;

    std::shared_ptr<CudaProducerCore> core_;
};

}  // namespace tensor_ipc
