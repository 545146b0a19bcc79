#include "tensor_ipc/segment/header_copy.hpp"

#include <bit>
#include <cstring>

#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc {

Error not_a_file(const std::string& segment_name)
{
    return Error{ErrorCode::BadSegment, "/dev/shm/" + segment_name + " is not a regular file"};
}

bool copy_header(int fd, PoolHeader& copy) noexcept
{
    std::uint64_t magic = 0;
    if (!os::read_exactly(fd, 0, &magic, sizeof magic) ||
        !os::read_exactly(fd, 0, static_cast<void*>(&copy), sizeof copy)) {
        return false;
    }
    copy.magic.store(magic, std::memory_order_relaxed);
    return true;
}

cuda::MemoryTicket ticket_of(const PoolHeader& header) noexcept
{
    static_assert(sizeof(DeviceTicket) == sizeof(cuda::MemoryTicket));
    return std::bit_cast<cuda::MemoryTicket>(header.device_ticket);
}

namespace {

/// Whether the memory that `ticket` is for can hold the pool.
Result<void> check_ticket(const cuda::MemoryTicket& ticket, const Geometry& geometry)
{
    if (const auto valid = cuda::validate(ticket); !valid) {
        return Error{ErrorCode::BadSegment,
                     "not a sound tensor-ipc segment: " + valid.error().message};
    }
    if (ticket.bytes < geometry.device_bytes()) {
        return Error{ErrorCode::BadSegment, "not a sound tensor-ipc segment: device memory of " +
                                                std::to_string(ticket.bytes) + " bytes, expected " +
                                                std::to_string(geometry.device_bytes()) +
                                                " at least"};
    }
    return {};
}

}  // namespace

Result<DescribedSegment> describe(int fd, const std::string& segment_name)
{
    const auto facts = os::facts_of(fd, segment_name);
    if (!facts) {
        return facts.error();
    }
    return describe(fd, *facts, segment_name);
}

Result<DescribedSegment> describe(int fd, const os::FileFacts& facts,
                                  const std::string& segment_name)
{
    if (!facts.regular_file) {
        return not_a_file(segment_name);
    }
    PoolHeader header{};
    const bool complete = copy_header(fd, header);
    if (!complete && facts.bytes >= sizeof(PoolHeader)) {
        return Error{ErrorCode::BadSegment, "/dev/shm/" + segment_name + " could not be read"};
    }
    // Being made right now, or its maker died: without its producer's lock it is a leftover.
    if (facts.bytes == 0 || (complete && header.magic.load(std::memory_order_relaxed) == 0)) {
        return Error{ErrorCode::PoolNotFound, "/dev/shm/" + segment_name + " has no header (yet)"};
    }
    if (!complete) {
        return Error{ErrorCode::BadSegment,
                     "/dev/shm/" + segment_name + " has " + std::to_string(facts.bytes) +
                         " bytes, a header alone has " + std::to_string(sizeof(PoolHeader))};
    }
    auto pool = read_header(header, facts.bytes, os::page_bytes());
    if (!pool) {
        Error error = pool.error();
        error.message.append(" (/dev/shm/").append(segment_name).append(")");
        return error;
    }
    // Memory that is not there yet may not be there when it is touched.
    if (facts.allocated_bytes < facts.bytes) {
        return Error{ErrorCode::BadSegment, "not a sound tensor-ipc segment: of " +
                                                std::to_string(facts.bytes) + " bytes only " +
                                                std::to_string(facts.allocated_bytes) +
                                                " are allocated (/dev/shm/" + segment_name + ")"};
    }
    DescribedSegment segment;
    segment.ended = header.ended.load(std::memory_order_relaxed) != PoolEnd::Running;
    segment.object_bytes = facts.bytes;
    segment.pool = std::move(pool).value();
    if (segment.pool.geometry.on_device()) {
        segment.ticket = ticket_of(header);
        if (const auto sound = check_ticket(*segment.ticket, segment.pool.geometry); !sound) {
            Error error = sound.error();
            error.message.append(" (/dev/shm/").append(segment_name).append(")");
            return error;
        }
    }
    return segment;
}

Result<ControlCopy> ControlCopy::read(int fd, const Geometry& geometry,
                                      const std::string& segment_name)
{
    ControlCopy copy;
    copy.lines_.resize(geometry.payload_offset / sizeof(Line));
    if (!os::read_exactly(fd, 0, copy.lines_.data(), geometry.payload_offset)) {
        return Error{ErrorCode::BadSegment,
                     "not a sound tensor-ipc segment: it became shorter while it was read "
                     "(/dev/shm/" +
                         segment_name + ")"};
    }
    return copy;
}

}  // namespace tensor_ipc
