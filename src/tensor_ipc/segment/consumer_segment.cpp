/// How a consumer comes to a segment, and what a spectator sees of one.
#include <algorithm>
#include <cstdlib>

#include "tensor_ipc/layout/slot_header.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/segment/header_copy.hpp"
#include "tensor_ipc/segment/locks.hpp"
#include "tensor_ipc/segment/open_segment.hpp"

namespace tensor_ipc {

namespace {

Error not_found(const std::string& pool_name)
{
    return Error{ErrorCode::PoolNotFound, "there is no pool '" + pool_name +
                                              "'. Is its producer running, and in the same "
                                              "TENSOR_IPC_NAMESPACE? (tensor-ipc list)"};
}

Error name_differs(const std::string& expected, const std::string& found)
{
    return Error{ErrorCode::BadSegment, "not a sound tensor-ipc segment: the name is '" + found +
                                            "', expected '" + expected + "'"};
}

/// A pool of another user is read only when its owner shares it with a group of ours. Whatever else
/// lets us in (a mode for everyone, an access control list) lets anyone put a pool before us.
Result<void> check_reader(const os::FileFacts& facts, const std::string& segment_name)
{
    const std::uint32_t self = os::effective_uid();
    if (facts.owner_uid == self) {
        return {};
    }
    const std::string whose =
        "/dev/shm/" + segment_name + " belongs to user " + std::to_string(facts.owner_uid);
    if ((facts.mode & 0002U) != 0) {
        return Error{ErrorCode::PermissionDenied,
                     whose + " and anyone may write to it: not trusted"};
    }
    if (self != 0 && !os::is_in_group(facts.group_gid)) {
        return Error{ErrorCode::PermissionDenied,
                     whose + " and group " + std::to_string(facts.group_gid) +
                         ", which this process is not in: not trusted"};
    }
    return {};
}

struct Times {
    std::uint64_t frame;
    std::uint64_t published_ns;
};

/// Frames per second over what the slots still hold.
double rate_of(std::vector<Times> times, std::uint64_t now_ns)
{
    if (times.size() < 2) {
        return 0.0;
    }
    const auto by_frame = [](const Times& a, const Times& b) { return a.frame < b.frame; };
    const auto [oldest, newest] = std::ranges::minmax_element(times, by_frame);
    if (newest->frame == oldest->frame || newest->published_ns <= oldest->published_ns) {
        return 0.0;
    }
    const auto frames = static_cast<double>(newest->frame - oldest->frame);
    const double seconds = static_cast<double>(newest->published_ns - oldest->published_ns) / 1e9;
    // A producer that went silent has no rate; a second and three periods are given it.
    const double silence_s = now_ns > newest->published_ns
                                 ? static_cast<double>(now_ns - newest->published_ns) / 1e9
                                 : 0.0;
    return silence_s > 1.0 + 3.0 * seconds / frames ? 0.0 : frames / seconds;
}

void read_slots(PoolFacts& facts, const std::byte* control)
{
    const Geometry& geometry = facts.geometry;
    const auto* slots = reinterpret_cast<const SlotHeader*>(control + geometry.slots_offset);
    std::vector<Times> times;
    for (std::uint32_t i = 0; i < geometry.slot_count; ++i) {
        const std::uint64_t state = slots[i].state.load(std::memory_order_acquire);
        if (!holds_frame(state)) {
            continue;
        }
        const Times entry{state - 1, slots[i].published_ns.load(std::memory_order_relaxed)};
        times.push_back(entry);
        if (static_cast<std::int64_t>(entry.frame) > facts.latest_frame) {
            facts.latest_frame = static_cast<std::int64_t>(entry.frame);
            facts.last_published_ns = entry.published_ns;
        }
    }
    facts.rate_hz = rate_of(std::move(times), os::monotonic_ns());
}

void read_consumers(PoolFacts& facts, const std::byte* control, int fd)
{
    const Geometry& geometry = facts.geometry;
    const auto* pins =
        reinterpret_cast<const std::atomic<std::uint8_t>*>(control + geometry.pins_offset);
    const auto* table = reinterpret_cast<const ConsumerEntry*>(control + geometry.consumers_offset);
    for (std::uint32_t id = 0; id < geometry.consumer_capacity; ++id) {
        if (!os::is_byte_locked(fd, consumer_lock(id))) {
            continue;
        }
        ConsumerFacts consumer{id, table[id].pid.load(std::memory_order_relaxed), 0};
        for (std::uint32_t slot = 0; slot < geometry.slot_count; ++slot) {
            const auto& pin = pins[std::size_t{slot} * geometry.consumer_capacity + id];
            consumer.pinned_slots += pin.load(std::memory_order_relaxed) != 0 ? 1 : 0;
        }
        facts.consumers.push_back(consumer);
    }
}

}  // namespace

Result<std::string> current_namespace()
{
    const char* value = std::getenv("TENSOR_IPC_NAMESPACE");  // NOLINT(concurrency-mt-unsafe)
    return parse_namespace(value == nullptr ? "" : value);
}

Result<std::string> segment_name_of(const std::string& pool_name)
{
    auto name = PoolName::parse(pool_name);
    if (!name) {
        return name.error();
    }
    auto name_space = current_namespace();
    if (!name_space) {
        return name_space.error();
    }
    return name->segment_name(*name_space);
}

bool is_current(const SegmentFile& segment)
{
    return os::leads_to(segment.segment_name, segment.fd.get());
}

Result<void> check_size(const SegmentFile& segment)
{
    auto facts = os::facts_of(segment.fd.get(), segment.segment_name);
    if (!facts) {
        return facts.error();
    }
    if (facts->bytes < segment.geometry.segment_bytes) {
        return Error{ErrorCode::BadSegment,
                     "the segment of pool '" + segment.metadata.name + "' was truncated to " +
                         std::to_string(facts->bytes) + " of " +
                         std::to_string(segment.geometry.segment_bytes) +
                         " bytes while in use; views of its frames must not be touched"};
    }
    return {};
}

Result<std::optional<SegmentFile>> open_for_consumer(const std::string& pool_name)
{
    using Outcome = std::optional<SegmentFile>;
    auto segment_name = segment_name_of(pool_name);
    if (!segment_name) {
        return segment_name.error();
    }
    auto opened = os::open_shared_memory(*segment_name, os::Access::ReadWrite);
    if (!opened) {
        return opened.error();
    }
    if (!opened->has_value()) {
        return Outcome{};
    }
    LockingDescriptor fd(std::move(**opened));
    const auto facts = os::facts_of(fd.get(), *segment_name);
    if (!facts) {
        return facts.error();
    }
    if (auto allowed = check_reader(*facts, *segment_name); !allowed) {
        return allowed.error();
    }
    auto found = describe(fd.get(), *facts, *segment_name);
    if (!found) {
        if (found.error().code == ErrorCode::PoolNotFound) {
            return Outcome{};
        }
        return found.error();
    }
    if (found->ended) {
        return Outcome{};
    }
    if (found->pool.metadata.name != pool_name) {
        return name_differs(pool_name, found->pool.metadata.name);
    }
    auto file = os::MappableFile::of(fd.get(), *segment_name);
    if (!file) {
        return file.error();
    }
    auto control = os::Mapping::shared(file->get(), 0, found->pool.geometry.payload_offset,
                                       os::Protection::ReadWrite);
    if (!control) {
        return control.error();
    }
    SegmentFile segment;
    segment.segment_name = std::move(segment_name).value();
    segment.metadata = std::move(found->pool.metadata);
    segment.geometry = found->pool.geometry;
    segment.ticket = found->ticket;
    segment.control = std::move(control).value();
    segment.mappable = std::move(file).value();
    segment.fd = std::move(fd);
    segment.fork_epoch = os::fork_epoch();
    return Outcome(std::move(segment));
}

Result<PoolFacts> inspect(const std::string& pool_name)
{
    auto segment_name = segment_name_of(pool_name);
    if (!segment_name) {
        return segment_name.error();
    }
    auto opened = os::open_shared_memory(*segment_name, os::Access::ReadOnly);
    if (!opened) {
        return opened.error();
    }
    if (!opened->has_value()) {
        return not_found(pool_name);
    }
    const os::FileDescriptor fd = std::move(**opened);
    auto found = describe(fd.get(), *segment_name);
    if (!found) {
        return found.error();
    }
    if (found->pool.metadata.name != pool_name) {
        return name_differs(pool_name, found->pool.metadata.name);
    }
    auto control = ControlCopy::read(fd.get(), found->pool.geometry, *segment_name);
    if (!control) {
        return control.error();
    }
    const auto& header = *reinterpret_cast<const PoolHeader*>(control->data());
    PoolFacts facts;
    facts.metadata = std::move(found->pool.metadata);
    facts.geometry = found->pool.geometry;
    facts.segment_bytes = found->object_bytes;
    facts.generation = header.generation.load(std::memory_order_relaxed);
    facts.skipped_slots = header.skipped_slots.load(std::memory_order_relaxed);
    facts.producer_pid = header.producer_pid.load(std::memory_order_relaxed);
    facts.ended = found->ended;
    facts.producer_alive = producer_lives(fd.get());
    read_slots(facts, control->data());
    read_consumers(facts, control->data(), fd.get());
    return facts;
}

Result<std::vector<PoolFacts>> inspect_all()
{
    auto name_space = current_namespace();
    if (!name_space) {
        return name_space.error();
    }
    auto names = os::list_shared_memory();
    if (!names) {
        return names.error();
    }
    std::ranges::sort(*names);
    std::vector<PoolFacts> pools;
    for (const std::string& segment_name : *names) {
        const auto pool_name = pool_name_of_segment(segment_name, *name_space);
        if (!pool_name) {
            continue;
        }
        auto facts = inspect(pool_name->text());
        if (facts) {
            pools.push_back(std::move(facts).value());
            continue;
        }
        auto opened = os::open_shared_memory(segment_name, os::Access::ReadOnly);
        if (opened && !opened->has_value()) {
            continue;  // ended meanwhile
        }
        PoolFacts unsound;
        unsound.metadata.name = pool_name->text();
        unsound.problem = facts.error().message;
        if (opened) {
            if (auto file = os::facts_of((*opened)->get(), segment_name)) {
                unsound.segment_bytes = file->bytes;
            }
            unsound.producer_alive = producer_lives((*opened)->get());
        }
        pools.push_back(std::move(unsound));
    }
    return pools;
}

}  // namespace tensor_ipc
