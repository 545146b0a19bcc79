/// The side that writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/segment/open_segment.hpp"

namespace tensor_ipc {

class Pinning;
class ProducerCore;

/// What goes with a frame beside its bytes.
struct PublishOptions {
    /// Time of capture on a clock of your choice; else that of publication.
    std::optional<std::uint64_t> captured_ns = {};
    /// See PackedUserMetadata for how much fits.
    std::span<const UserMetadataEntry> user_metadata = {};
};

/// A slot to write in place. Dropped, it gives the slot back; its old frame is lost. Move-only.
/// Keeps the memory mapped, also when the producer is gone; `publish` then returns nothing.
class Loan {
public:
    Loan(Loan&& other) noexcept
        : core_(std::move(other.core_)),
          bytes_(other.bytes_),
          slot_(other.slot_),
          holds_slot_(std::exchange(other.holds_slot_, false))
    {
    }

    Loan& operator=(Loan&& other) noexcept
    {
        if (this != &other) {
            drop();
            core_ = std::move(other.core_);
            bytes_ = other.bytes_;
            slot_ = other.slot_;
            holds_slot_ = std::exchange(other.holds_slot_, false);
        }
        return *this;
    }

    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    ~Loan()
    {
        if (holds_slot_) {
            drop();
        }
    }

    /// The slot's payload: `extent` rows, 64-byte aligned, contents undefined. Writable until
    /// `publish`; whoever writes later tears a frame that others read.
    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

    /// Copies into the beginning of `bytes()`, which has room for it.
    void fill(std::span<const std::byte> from) noexcept;

    /// Rows of `bytes()`: what publish() makes a frame of.
    [[nodiscard]] std::uint64_t extent() const noexcept;

    /// Changes how many rows there are, in a pool of varying extent.
    /// @return InvalidArgument for more than the capacity, and for any change in other pools
    Result<void> resize(std::uint64_t extent);

    /// Room right in front of `bytes()`, for a header that goes out with them. Writable as they
    /// are; contents undefined.
    [[nodiscard]] std::span<std::byte, kWireHeadroomBytes> wire_headroom() const noexcept;

    /// The texts that travel with the frame, in place of those given before. Until `publish`.
    void set_user_metadata(const PackedUserMetadata& packed) noexcept;

    /// Makes the bytes the newest frame and wakes sleeping consumers.
    /// @param captured_ns  time of capture on a clock of your choice; else that of publication
    /// @return the frame's number, nothing when the producer was closed or this was published
    std::optional<std::uint64_t> publish(std::optional<std::uint64_t> captured_ns = {}) noexcept;

    /// As publish(), under the number that the frame had elsewhere. Numbers rise; those that are
    /// left out belong to no frame, and a history ends where one is missing.
    /// @return nothing also when `frame` is not above all numbers before it: the slot is given back
    std::optional<std::uint64_t> publish_as(std::uint64_t frame,
                                            std::optional<std::uint64_t> captured_ns = {}) noexcept;

    /// Gives the slot back now. `bytes()` stays mapped but is no longer ours to write.
    void drop() noexcept;

    /// Keeps `bytes()` mapped beyond the loan itself, for arrays that were made over it.
    [[nodiscard]] std::shared_ptr<const void> mapping() const noexcept;

private:
    friend class Producer;

    Loan(std::shared_ptr<ProducerCore> core, std::uint32_t slot,
         std::span<std::byte> bytes) noexcept
        : core_(std::move(core)), bytes_(bytes), slot_(slot)
    {
    }

    std::shared_ptr<ProducerCore> core_;
    std::span<std::byte> bytes_;
    std::uint32_t slot_ = 0;
    bool holds_slot_ = true;
};

struct ProducerStats {
    std::uint64_t frames = 0;         ///< published by this object
    std::uint64_t skipped_slots = 0;  ///< pinned slots that it and its predecessors went round
};

/// Owner of a pool. Not thread-safe; loans of one producer may be filled in different threads, but
/// `loan`, `publish`, `put` and dropping a loan need one thread at a time. Move-only.
///
/// `put` and `loan` never wait for a consumer to read: when every slot is pinned or on loan they
/// look for 50 ms whether one comes free, and fail. They allocate nothing (`loan` counts a
/// reference) and make one system call only when a consumer sleeps.
class Producer {
public:
    /// Makes the pool, or goes on with what a dead producer left (open_for_producer).
    [[nodiscard]] static Result<Producer> create(const PoolMetadata& metadata,
                                                 const SegmentOptions& options = {});

    Producer(Producer&&) noexcept = default;
    Producer& operator=(Producer&&) noexcept;
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    /// As close().
    ~Producer();

    /// Copies one frame in and publishes it.
    /// @param frame  exactly `frame_bytes` of the pool, C order; whole rows, at most so many bytes,
    ///               in a pool of varying extent
    /// @return the frame's number; InvalidArgument for another size, or user metadata that does not
    ///         fit; PoolExhausted; PoolNotFound after close()
    Result<std::uint64_t> put(std::span<const std::byte> frame, const PublishOptions& options = {});

    /// A slot to write in place.
    /// @param extent  rows; as many as there is room for when not given (Loan::resize)
    /// @return PoolExhausted with who holds the slots; InvalidArgument; PoolNotFound after close()
    [[nodiscard]] Result<Loan> loan(std::optional<std::uint64_t> extent = {});

    /// Ends the pool: its name goes, consumers are told. Their views stay valid.
    void close() noexcept;

    [[nodiscard]] bool is_open() const noexcept;

    [[nodiscard]] const PoolMetadata& metadata() const noexcept;
    [[nodiscard]] const Geometry& geometry() const noexcept;
    [[nodiscard]] ProducerStats stats() const noexcept;

    /// Whether the slots are pinned; null where it was not asked for.
    [[nodiscard]] const Pinning* pinning() const noexcept;

private:
    explicit Producer(std::shared_ptr<ProducerCore> core) noexcept;

    std::shared_ptr<ProducerCore> core_;
};

}  // namespace tensor_ipc
