/// Ways to a segment: a producer's, a consumer's, a spectator's, and the broom's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tensor_ipc/segment/segment_file.hpp"

namespace tensor_ipc {

/// What a producer may choose besides the metadata.
struct SegmentOptions {
    std::uint32_t spare = kDefaultSpare;  ///< slots beyond history_len
    std::uint32_t mode = 0600;            ///< permission bits of the segment
    MemoryOrder memory_order = MemoryOrder::NewestFirst;
    bool take_over = true;  ///< go on with what a dead producer left, else always begin anew
    /// Have the CUDA driver lock the payload in the producer's process, for this GPU (Pinning).
    std::optional<int> pinned_for = {};
};

/// Where frames lie that do not lie in the segment.
struct DevicePayload {
    std::uint64_t stride = 0;  ///< Geometry::device_stride
    /// Makes the memory and says how others open it. Called once there is a segment for it.
    std::function<Result<cuda::MemoryTicket>(const Geometry&)> make;
};

/// Makes the pool's segment, or takes over what a dead producer left.
///
/// Whoever holds the producer's lock on a segment that its name still leads to is the producer.
/// Left over and equal in metadata and geometry: taken over in place, consumers stay attached.
/// Left over and different or unsound: marked ended, unlinked and made anew. So is a pool in device
/// memory always, because that memory is its producer's: whatever else is left of it is removed.
///
/// @param device  where the payload lies; in the segment when null
/// @return the segment with the lock held; PoolInUse while another producer lives; NoSpace;
///         InvalidArgument; PermissionDenied when another user's segment has the name
[[nodiscard]] Result<SegmentFile> open_for_producer(const PoolMetadata& metadata,
                                                    const SegmentOptions& options,
                                                    const DevicePayload* device = nullptr);

/// Opens a pool to read from it. The header is copied once, checked, and only the copy is used.
///
/// @return nothing when there is no such pool (yet): no object, no header yet, or it has ended;
///         BadSegment; PermissionDenied
[[nodiscard]] Result<std::optional<SegmentFile>> open_for_consumer(const std::string& pool_name);

/// Marks the pool ended, wakes its sleepers and removes the name while it leads to this segment.
/// The producer's lock is held by the caller and dropped when `segment` dies.
void end_segment(SegmentFile& segment);

/// One consumer as the table and the locks show it.
struct ConsumerFacts {
    std::uint32_t id = 0;
    std::uint32_t pid = 0;
    std::uint32_t pinned_slots = 0;
};

/// What can be seen of a pool from outside.
struct PoolFacts {
    PoolMetadata metadata;  ///< only the name when `problem` is not empty
    Geometry geometry;
    std::uint64_t segment_bytes = 0;
    std::uint64_t generation = 0;
    std::int64_t latest_frame = -1;
    std::uint64_t last_published_ns = 0;  ///< CLOCK_MONOTONIC, 0 before the first frame
    double rate_hz = 0.0;                 ///< from the times of the frames in the history, or 0
    std::uint64_t skipped_slots = 0;
    std::uint32_t producer_pid = 0;
    bool producer_alive = false;
    bool ended = false;
    std::vector<ConsumerFacts> consumers;  ///< the living ones
    std::string problem;                   ///< why the segment is not sound, else empty
};

/// Looks at a pool without joining it: read-only, no lock, no id.
/// @return PoolNotFound, BadSegment, PermissionDenied
[[nodiscard]] Result<PoolFacts> inspect(const std::string& pool_name);

/// Looks at every pool of this namespace, sound or not, by name.
[[nodiscard]] Result<std::vector<PoolFacts>> inspect_all();

/// A leftover that `clean()` removed or would remove.
struct Leftover {
    std::string pool_name;
    std::uint64_t bytes = 0;
    std::string reason;
};

/// Removes segments of this user that no producer owns. Consumers that are still attached keep
/// their views. Never touches a pool whose producer lives, nor objects of other names.
/// @param dry_run  only tell
[[nodiscard]] Result<std::vector<Leftover>> clean(bool dry_run);

/// TENSOR_IPC_NAMESPACE, or empty.
/// @return InvalidName
[[nodiscard]] Result<std::string> current_namespace();

/// Name of the pool's object in the namespace of TENSOR_IPC_NAMESPACE.
[[nodiscard]] Result<std::string> segment_name_of(const std::string& pool_name);

/// Whether the object still has all its bytes. Touches none of them.
/// @return BadSegment when somebody truncated it
[[nodiscard]] Result<void> check_size(const SegmentFile& segment);

/// Whether `segment` is still what its name leads to.
[[nodiscard]] bool is_current(const SegmentFile& segment);

}  // namespace tensor_ipc
