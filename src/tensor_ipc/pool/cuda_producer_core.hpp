/// What a producer on a device and its loans share: the streams, and what is on its way.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "tensor_ipc/cuda/context.hpp"
#include "tensor_ipc/cuda/device_memory.hpp"
#include "tensor_ipc/cuda/stream.hpp"
#include "tensor_ipc/memory/host_ring.hpp"
#include "tensor_ipc/notify/wake_word.hpp"
#include "tensor_ipc/pool/cuda_producer.hpp"
#include "tensor_ipc/pool/producer_parts.hpp"

namespace tensor_ipc {

/// What is made before there is a segment.
struct CudaParts {
    cuda::ContextRef context;
    cuda::Stream stream;
    cuda::Event before;
    cuda::Event after;
    std::shared_ptr<cuda::DeviceMemory> memory = nullptr;

    [[nodiscard]] static Result<CudaParts> make(const cuda::Driver& driver, int ordinal);
};

/// Claims slots on the caller's thread; asks one stream, in order, to fill them; and commits them
/// on the thread of the driver that the stream calls when it has come so far. So commits come in
/// the order of that stream, and what they need was made before: nothing is allocated for a frame.
///
/// One thread at a time, as CudaProducer.
class CudaProducerCore : public std::enable_shared_from_this<CudaProducerCore> {
public:
    CudaProducerCore(SegmentFile segment, HostRing headrooms, CudaParts parts,
                     const CudaOptions& options);
    CudaProducerCore(const CudaProducerCore&) = delete;
    CudaProducerCore& operator=(const CudaProducerCore&) = delete;
    CudaProducerCore(CudaProducerCore&&) = delete;
    CudaProducerCore& operator=(CudaProducerCore&&) = delete;

    /// Waits for the device.
    ~CudaProducerCore();

    [[nodiscard]] Result<std::uint64_t> put(const CudaSource& frame, const PublishOptions& options);

    /// A slot, with empty texts.
    [[nodiscard]] Result<std::uint32_t> take_slot();

    [[nodiscard]] Result<std::uint64_t> publish(std::uint32_t slot, std::uint64_t extent,
                                                std::span<const cuda::StreamHandle> streams,
                                                std::optional<std::uint64_t> captured_ns);

    /// Gives a slot back when `streams` have done what they are asked for now. A stream that
    /// records a graph may write to the slot at any time: it is never used again.
    void give_back(std::uint32_t slot, std::span<const cuda::StreamHandle> streams) noexcept;

    [[nodiscard]] Result<void> synchronize();

    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return open_ && !segment_.is_parents(); }

    [[nodiscard]] const SegmentFile& segment() const noexcept { return segment_; }

    [[nodiscard]] const cuda::DeviceMemory& memory() const noexcept { return *parts_.memory; }

    [[nodiscard]] cuda::DevicePointer address_of(std::uint32_t slot) const noexcept
    {
        return parts_.memory->address() + segment_.geometry.payload_on_device(slot);
    }

    [[nodiscard]] SlotHeadroom& headroom(std::uint32_t slot) const noexcept
    {
        return headroom_of(headrooms_.slot(slot));
    }

    [[nodiscard]] std::uint64_t frames() const noexcept
    {
        return frames_.load(std::memory_order_acquire);
    }

private:
    enum class Then : std::uint8_t { Commit, GiveBack };

    /// What the driver's thread does with a slot. One for each slot, which has one owner at a time.
    struct Record {
        CudaProducerCore* core = nullptr;
        std::uint32_t slot = 0;
        Then then = Then::Commit;
        std::uint64_t extent = 0;
        std::optional<std::uint64_t> captured_ns;
        std::atomic<bool> on_its_way{false};  ///< whoever sets it back does what is to be done
    };

    /// A device that frames are copied from.
    struct Peer {
        cuda::ContextRef context;
        cuda::Event event;
    };

    /// Where a source lies.
    struct Origin {
        enum class Where : std::uint8_t { Nowhere, Pageable, Pinned, Here, Peer };
        Where where = Where::Nowhere;
        const Peer* peer = nullptr;
    };

    /// How far a put came.
    enum class Asked : std::uint8_t { Nothing, Copy, Commit };

    static void on_host(void* record) noexcept;
    void run(Record& record) noexcept;
    void commit(std::uint32_t slot, std::uint64_t extent,
                std::optional<std::uint64_t> captured_ns) noexcept;

    [[nodiscard]] Result<cuda::CurrentContext> enter() const;
    [[nodiscard]] Result<Origin> origin_of(const CudaSource& frame);
    [[nodiscard]] Result<const Peer*> peer_at(int ordinal);
    [[nodiscard]] static Result<std::optional<cuda::CurrentContext>> enter(const Peer* peer);
    [[nodiscard]] Result<void> refuse_capture(const cuda::CurrentContext& current, const Peer* peer,
                                              cuda::StreamHandle stream) const;
    [[nodiscard]] Result<std::uint32_t> claim(const cuda::CurrentContext& current);
    [[nodiscard]] Result<void> wait_until_under_way(const cuda::CurrentContext& current,
                                                    std::uint32_t most);

    [[nodiscard]] Result<void> fill(const cuda::CurrentContext& current, std::uint32_t slot,
                                    const CudaSource& frame, const Origin& origin,
                                    std::optional<std::uint64_t> captured_ns, Asked& asked);
    [[nodiscard]] Result<void> come_after(const cuda::CurrentContext& current, const Peer* peer,
                                          cuda::StreamHandle stream) const;
    [[nodiscard]] Result<void> let_source_wait(const cuda::CurrentContext& current,
                                               const Peer* peer, cuda::StreamHandle stream) const;
    [[nodiscard]] Result<void> copy(const cuda::CurrentContext& current, std::uint32_t slot,
                                    const CudaSource& frame, const Origin& origin) const;
    [[nodiscard]] Result<void> publish_here(const cuda::CurrentContext& current, std::uint32_t slot,
                                            std::uint64_t extent,
                                            std::optional<std::uint64_t> captured_ns);
    [[nodiscard]] Result<void> then(const cuda::CurrentContext& current, Then what,
                                    std::uint32_t slot, std::uint64_t extent,
                                    std::optional<std::uint64_t> captured_ns);
    Error look_after(const cuda::CurrentContext& current, Error error);
    void break_down(const Error& reason) noexcept;
    [[nodiscard]] bool is_anybody_attached() const noexcept;

    SegmentFile segment_;
    HostRing headrooms_;
    CudaParts parts_;
    KernelLiveness liveness_;
    FrameWriter writer_;
    WakeWord wake_word_;
    CudaSync sync_;
    bool peer_copy_;
    bool open_ = true;
    std::uint64_t next_number_ = 0;  ///< commits come in the order of the calls, so we can count
    std::optional<Error> broken_;    ///< why the device will never do anything again
    std::map<int, Peer> peers_;
    std::atomic<std::uint64_t> frames_{0};
    std::atomic<std::uint32_t> under_way_{0};     ///< records of which on_its_way is true
    std::atomic<std::uint32_t> arrival_word_{0};  ///< what sleeps until there are fewer
    std::atomic<std::uint32_t> arrival_waiting_{0};
    std::vector<Record> records_;  ///< by slot
};

}  // namespace tensor_ipc
