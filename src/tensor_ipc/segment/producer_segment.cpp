/// How a producer comes to its segment.
#include <bit>
#include <cstring>
#include <new>

#include "tensor_ipc/base/test_point.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/futex.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/segment/header_copy.hpp"
#include "tensor_ipc/segment/locks.hpp"
#include "tensor_ipc/segment/open_segment.hpp"

namespace tensor_ipc {

namespace {

// Producers that start together may unlink what the other made; each turn one of them wins.
constexpr int kMaxTurns = 100;

std::string in_megabytes(std::uint64_t bytes)
{
    const std::uint64_t tenths = (bytes + 52'428) / 104'858;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

Error no_space(const std::string& pool_name, std::uint64_t needed, os::Capacity capacity)
{
    return Error{ErrorCode::NoSpace,
                 "pool '" + pool_name + "' needs " + in_megabytes(needed) +
                     " of shared memory, but /dev/shm has " + in_megabytes(capacity.free_bytes) +
                     " free of " + in_megabytes(capacity.total_bytes) +
                     ". Remove leftovers (tensor-ipc clean), make history_len or spare smaller, or "
                     "enlarge it: docker run --shm-size=2g, or mount -o remount,size=2g /dev/shm"};
}

Error in_use(const std::string& pool_name, std::uint32_t pid)
{
    return Error{ErrorCode::PoolInUse,
                 "pool '" + pool_name + "' has a living producer (process " + std::to_string(pid) +
                     "). One pool has one producer: stop that one, or choose another name"};
}

void wake_sleepers(PoolHeader& header)
{
    header.wake_word.fetch_add(1, std::memory_order_seq_cst);
    os::futex_wake_all(header.wake_word);
}

/// Takes `fd` over, and with it the lock, when it succeeds.
Result<SegmentFile> map_control(const std::string& segment_name, DescribedPool pool,
                                LockingDescriptor& fd)
{
    auto file = os::MappableFile::of(fd.get(), segment_name);
    if (!file) {
        return file.error();
    }
    auto control = os::Mapping::shared(file->get(), 0, pool.geometry.payload_offset,
                                       os::Protection::ReadWrite);
    if (!control) {
        return control.error();
    }
    SegmentFile segment;
    segment.segment_name = segment_name;
    segment.metadata = std::move(pool.metadata);
    segment.geometry = pool.geometry;
    segment.control = std::move(control).value();
    segment.mappable = std::move(file).value();
    segment.fd = std::move(fd);
    segment.fork_epoch = os::fork_epoch();
    return segment;
}

/// Fills a new, empty object. Consumers see a pool once the magic number is there. Takes `fd` over
/// when it succeeds.
Result<SegmentFile> fill(const std::string& segment_name, const DescribedPool& pool,
                         LockingDescriptor& fd, const SegmentOptions& options,
                         const DevicePayload* device)
{
    const os::Capacity capacity = os::capacity_of(fd.get());
    const std::uint64_t bytes = pool.geometry.segment_bytes;
    // First of all, so that those whom the mode admits see a pool that is not there yet, not one
    // that is closed to them.
    if (auto set = os::set_mode(fd.get(), options.mode, segment_name); !set) {
        return set.error();
    }
    // A size beyond the whole file system would fill it page by page before it is refused.
    auto allocated = bytes > capacity.free_bytes && capacity.total_bytes != 0
                         ? Result<void>(no_space(pool.metadata.name, bytes, capacity))
                         : os::allocate(fd.get(), bytes, segment_name);
    if (!allocated) {
        const Error& error = allocated.error();
        return error.code == ErrorCode::NoSpace ? no_space(pool.metadata.name, bytes, capacity)
                                                : error;
    }
    TENSOR_IPC_TEST_POINT("create:allocated");
    auto segment = map_control(segment_name, pool, fd);
    if (!segment) {
        return segment.error();
    }
    if (device != nullptr) {
        auto ticket = device->make(segment->geometry);
        if (!ticket) {
            return ticket.error();
        }
        segment->ticket = *ticket;
    }
    PoolHeader& header = *new (segment->control.data()) PoolHeader{};
    if (segment->ticket) {
        header.device_ticket = std::bit_cast<DeviceTicket>(*segment->ticket);
    }
    write_header(header, segment->metadata, segment->geometry);
    header.created_ns = os::monotonic_ns();
    header.generation.store(1, std::memory_order_relaxed);
    header.producer_pid.store(os::process_id(), std::memory_order_relaxed);
    TENSOR_IPC_TEST_POINT("create:header-written");
    header.magic.store(kMagic, std::memory_order_release);
    TENSOR_IPC_TEST_POINT("create:magic-written");
    // Once more, because those who wait for the pool to appear watch for it (directory_watch.hpp).
    // What could be done to the same object before can be done again.
    static_cast<void>(os::set_mode(segment->fd.get(), options.mode, segment_name));
    return segment;
}

/// As fill(), and removes the name of what could not be filled, while the lock is still held.
Result<SegmentFile> initialise(const std::string& segment_name, const DescribedPool& pool,
                               LockingDescriptor fd, const SegmentOptions& options,
                               const DevicePayload* device)
{
    auto segment = fill(segment_name, pool, fd, options, device);
    if (!segment) {
        // The reason why it could not be filled says more than why its name could not be removed.
        static_cast<void>(os::unlink_shared_memory(segment_name));
    }
    return segment;
}

/// Tells consumers of a segment that nobody will go on with it, then removes its name.
Result<void> retire(const std::string& segment_name, int fd)
{
    auto facts = os::facts_of(fd, segment_name);
    if (!facts) {
        return facts.error();
    }
    if (facts->bytes >= sizeof(PoolHeader) && facts->allocated_bytes >= facts->bytes) {
        const auto file = os::MappableFile::of(fd, segment_name);
        if (!file) {
            return file.error();
        }
        auto control =
            os::Mapping::shared(file->get(), 0, sizeof(PoolHeader), os::Protection::ReadWrite);
        if (!control) {
            return control.error();
        }
        auto& header = *reinterpret_cast<PoolHeader*>(control->data());
        if (header.magic.load(std::memory_order_acquire) == kMagic) {
            header.ended.store(PoolEnd::Ended, std::memory_order_seq_cst);
            wake_sleepers(header);
            cuda::remove_leftover(ticket_of(header));
        }
    }
    TENSOR_IPC_TEST_POINT("retire:marked");
    return os::unlink_shared_memory(segment_name);
}

/// Whether a sound leftover can be gone on with. Device memory is gone with its producer.
bool can_take_over(const DescribedPool& found, const DescribedPool& wanted, bool ended)
{
    return !ended && !found.geometry.on_device() && found.metadata == wanted.metadata &&
           found.geometry == wanted.geometry;
}

/// Whether the file is ours to take over or to remove.
Result<void> check_owner(int fd, const std::string& segment_name)
{
    auto facts = os::facts_of(fd, segment_name);
    if (!facts) {
        return facts.error();
    }
    if (!facts->regular_file) {
        return not_a_file(segment_name);
    }
    if (facts->owner_uid != os::effective_uid()) {
        return Error{ErrorCode::PermissionDenied,
                     "/dev/shm/" + segment_name + " belongs to user " +
                         std::to_string(facts->owner_uid) + ", this process is user " +
                         std::to_string(os::effective_uid()) +
                         ": choose another pool name or TENSOR_IPC_NAMESPACE"};
    }
    // No segment has two names. This is a file that somebody linked here, perhaps another pool.
    if (facts->names > 1) {
        return Error{ErrorCode::BadSegment, "/dev/shm/" + segment_name +
                                                " is a hard link to a file that has other names "
                                                "too: remove the link by hand"};
    }
    return {};
}

/// One attempt. Nothing when another producer was in between and it has to start again.
Result<std::optional<SegmentFile>> attempt(const std::string& segment_name,
                                           const DescribedPool& wanted,
                                           const SegmentOptions& options,
                                           const DevicePayload* device)
{
    using Outcome = std::optional<SegmentFile>;
    auto made = os::create_shared_memory(segment_name);
    if (!made) {
        return made.error();
    }
    const bool is_new = made->has_value();
    TENSOR_IPC_TEST_POINT("create:opened");
    auto opened =
        is_new ? std::move(made) : os::open_shared_memory(segment_name, os::Access::ReadWrite);
    if (!opened) {
        return opened.error();
    }
    if (!opened->has_value()) {
        return Outcome{};  // unlinked in between
    }
    LockingDescriptor fd(std::move(**opened));
    if (auto owner = check_owner(fd.get(), segment_name); !owner) {
        return owner.error();
    }
    auto locked = os::try_lock_byte(fd.get(), kProducerLock);
    if (!locked) {
        return locked.error();
    }
    if (!*locked) {
        if (!os::leads_to(segment_name, fd.get())) {
            return Outcome{};
        }
        PoolHeader header{};
        const bool readable = copy_header(fd.get(), header);
        return in_use(wanted.metadata.name,
                      readable ? header.producer_pid.load(std::memory_order_relaxed) : 0);
    }
    TENSOR_IPC_TEST_POINT("create:locked");
    if (!os::leads_to(segment_name, fd.get())) {
        return Outcome{};
    }
    if (is_new) {
        auto segment = initialise(segment_name, wanted, std::move(fd), options, device);
        if (!segment) {
            return segment.error();
        }
        return Outcome(std::move(segment).value());
    }
    auto found = describe(fd.get(), segment_name);
    if (options.take_over && found && can_take_over(found->pool, wanted, found->ended)) {
        auto segment = map_control(segment_name, std::move(found).value().pool, fd);
        if (!segment) {
            return segment.error();
        }
        PoolHeader& header = segment->header();
        header.generation.fetch_add(1, std::memory_order_relaxed);
        header.producer_pid.store(os::process_id(), std::memory_order_relaxed);
        if (auto set = os::set_mode(segment->fd.get(), options.mode, segment_name); !set) {
            return set.error();
        }
        return Outcome(std::move(segment).value());
    }
    if (auto retired = retire(segment_name, fd.get()); !retired) {
        return retired.error();
    }
    return Outcome{};
}

}  // namespace

Result<SegmentFile> open_for_producer(const PoolMetadata& metadata, const SegmentOptions& options,
                                      const DevicePayload* device)
{
    if (auto valid = validate(metadata); !valid) {
        return valid.error();
    }
    if ((options.mode & ~0666U) != 0 || (options.mode & 0600U) != 0600U ||
        (options.mode & 0006U) != 0) {
        return Error{ErrorCode::InvalidArgument,
                     "mode must let the owner read and write, may let the group, and nobody else"};
    }
    GeometryInput input = geometry_input_of(metadata);
    input.spare = options.spare;
    input.page_bytes = os::page_bytes();
    input.memory_order = options.memory_order;
    input.device_stride = device == nullptr ? 0 : device->stride;
    auto geometry = plan_geometry(input);
    if (!geometry) {
        return geometry.error();
    }
    auto segment_name = segment_name_of(metadata.name);
    if (!segment_name) {
        return segment_name.error();
    }
    const DescribedPool wanted{metadata, *geometry};
    for (int turn = 0; turn < kMaxTurns; ++turn) {
        auto segment = attempt(*segment_name, wanted, options, device);
        if (!segment) {
            return segment.error();
        }
        if (segment->has_value()) {
            return std::move(**segment);
        }
    }
    return in_use(metadata.name, 0);
}

void end_segment(SegmentFile& segment)
{
    if (segment.is_parents()) {
        return;
    }
    PoolHeader& header = segment.header();
    header.ended.store(PoolEnd::Ended, std::memory_order_seq_cst);
    TENSOR_IPC_TEST_POINT("end:marked");
    // The name is ours as long as it leads here: only the holder of the lock removes it.
    if (os::leads_to(segment.segment_name, segment.fd.get())) {
        // A failure leaves an ended segment behind, which the next producer or clean() removes.
        static_cast<void>(os::unlink_shared_memory(segment.segment_name));
    }
    wake_sleepers(header);
}

Result<std::vector<Leftover>> clean(bool dry_run)
{
    auto pools = inspect_all();
    if (!pools) {
        return pools.error();
    }
    std::vector<Leftover> leftovers;
    for (const PoolFacts& pool : *pools) {
        auto segment_name = segment_name_of(pool.metadata.name);
        if (!segment_name) {
            return segment_name.error();
        }
        auto opened = os::open_shared_memory(*segment_name, os::Access::ReadWrite);
        if (!opened || !opened->has_value()) {
            continue;  // another user's, or gone meanwhile
        }
        LockingDescriptor fd(std::move(**opened));
        if (!check_owner(fd.get(), *segment_name)) {
            continue;
        }
        if (dry_run) {
            if (producer_lives(fd.get())) {
                continue;
            }
        } else {
            // Held until the name is gone, so no producer can start on it meanwhile.
            auto locked = os::try_lock_byte(fd.get(), kProducerLock);
            if (!locked || !*locked || !os::leads_to(*segment_name, fd.get())) {
                continue;
            }
            if (auto retired = retire(*segment_name, fd.get()); !retired) {
                return retired.error();
            }
        }
        leftovers.push_back(
            {pool.metadata.name, pool.segment_bytes,
             pool.problem.empty()
                 ? "its producer (process " + std::to_string(pool.producer_pid) + ") is gone"
                 : pool.problem});
    }
    return leftovers;
}

}  // namespace tensor_ipc
