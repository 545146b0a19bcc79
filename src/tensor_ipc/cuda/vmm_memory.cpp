#include "tensor_ipc/cuda/vmm_memory.hpp"

#include <string>

namespace tensor_ipc::cuda {

namespace {

AllocationProperties properties_for(const Device& device) noexcept
{
    AllocationProperties properties{};
    properties.type = AllocationType::Pinned;
    properties.requested_handle_types = HandleType::PosixDescriptor;
    properties.location = {LocationType::Device, device.handle};
    return properties;
}

Result<void> require_support(const PrimaryContext& context)
{
    for (const DeviceAttribute attribute :
         {DeviceAttribute::VirtualMemorySupported, DeviceAttribute::PosixDescriptorSupported}) {
        auto found = has(context.driver(), context.device(), attribute);
        if (!found) {
            return found.error();
        }
        if (!*found) {
            return Error{
                ErrorCode::CudaUnsupported,
                context.device().name + " does not share memory by descriptor (device attribute " +
                    std::to_string(static_cast<int>(attribute)) + "); memory kind 'ipc' may work"};
        }
    }
    return {};
}

Error not_handed_out(const Error& error, const MemoryTicket& ticket)
{
    Error told = error;
    told.message =
        "the creator of the device memory, PID " + std::to_string(ticket.creator_pid) +
        (error.code == ErrorCode::PoolNotFound ? ", has ended: " : ", does not hand it out: ") +
        error.message;
    return told;
}

}  // namespace

Result<bool> VmmMemory::is_supported(const PrimaryContext& context)
{
    for (const DeviceAttribute attribute :
         {DeviceAttribute::VirtualMemorySupported, DeviceAttribute::PosixDescriptorSupported}) {
        auto found = has(context.driver(), context.device(), attribute);
        if (!found || !*found) {
            return found;
        }
    }
    return true;
}

Result<std::shared_ptr<DeviceMemory>> VmmMemory::create(const ContextRef& context,
                                                        std::uint64_t bytes)
{
    const auto current = CurrentContext::push(*context);
    if (!current) {
        return current.error();
    }
    if (const auto able = require_support(*context); !able) {
        return able.error();
    }
    const std::shared_ptr<VmmMemory> memory(
        new VmmMemory(context));  // NOLINT(*-owning-memory): private constructor
    const Driver& driver = context->driver();
    const AllocationProperties properties = properties_for(context->device());
    std::size_t granularity = 0;
    if (const auto asked = driver.check(driver.call.cuMemGetAllocationGranularity(
            &granularity, &properties, Granularity::Minimum));
        !asked) {
        return asked.error();
    }
    if (granularity == 0 || bytes % granularity != 0) {
        return Error{ErrorCode::CudaUnsupported,
                     "the device allocates in units of " + std::to_string(granularity) +
                         " bytes, expected a divisor of " + std::to_string(bytes)};
    }
    AllocationHandle allocation = 0;
    if (const auto made = driver.check(driver.call.cuMemCreate(&allocation, bytes, &properties, 0));
        !made) {
        return made.error();
    }
    memory->allocation_ = allocation;
    if (const auto mapped = memory->map(bytes, MemoryAccess::ReadWrite); !mapped) {
        return mapped.error();
    }
    return std::shared_ptr<DeviceMemory>(memory);
}

Result<std::shared_ptr<DeviceMemory>> VmmMemory::open(const ContextRef& context,
                                                      const MemoryTicket& ticket,
                                                      std::uint64_t deadline_ns)
{
    const auto current = CurrentContext::push(*context);
    if (!current) {
        return current.error();
    }
    const auto descriptor = os::receive_descriptor(socket_path(ticket.id), ticket.id, deadline_ns);
    if (!descriptor) {
        return not_handed_out(descriptor.error(), ticket);
    }
    const std::shared_ptr<VmmMemory> memory(
        new VmmMemory(context));  // NOLINT(*-owning-memory): private constructor
    const Driver& driver = context->driver();
    AllocationHandle allocation = 0;
    // The driver takes the descriptor's number in the place of a pointer, and a copy of its own.
    void* number = reinterpret_cast<void*>(  // NOLINT(performance-no-int-to-ptr)
        static_cast<std::intptr_t>(descriptor.value().get()));
    if (const auto imported = driver.check(driver.call.cuMemImportFromShareableHandle(
            &allocation, number, HandleType::PosixDescriptor));
        !imported) {
        return imported.error();
    }
    memory->allocation_ = allocation;
    if (const auto mapped = memory->map(ticket.bytes, MemoryAccess::Read); !mapped) {
        return mapped.error();
    }
    return std::shared_ptr<DeviceMemory>(memory);
}

Result<void> VmmMemory::map(std::uint64_t bytes, MemoryAccess access)
{
    const Driver& driver = context()->driver();
    if (const auto reserved = driver.check(
            driver.call.cuMemAddressReserve(&reserved_, 2 * bytes, kAllocationBytes, 0, 0));
        !reserved) {
        reserved_ = 0;
        return reserved.error();
    }
    bytes_each_ = bytes;
    const AccessDescription description{{LocationType::Device, context()->device().handle}, access};
    for (DevicePointer at = reserved_; times_mapped_ < 2; at += bytes) {
        if (const auto done = driver.check(driver.call.cuMemMap(at, bytes, 0, *allocation_, 0));
            !done) {
            return done.error();
        }
        ++times_mapped_;
        if (const auto set = driver.check(driver.call.cuMemSetAccess(at, bytes, &description, 1));
            !set) {
            return set.error();
        }
    }
    set_range(reserved_, bytes);
    return {};
}

Result<void> VmmMemory::offer(MemoryTicket& ticket, std::uint32_t mode)
{
    const auto current = CurrentContext::push(*context());
    if (!current) {
        return current.error();
    }
    const Driver& driver = context()->driver();
    int fd = -1;
    if (const auto exported = driver.check(driver.call.cuMemExportToShareableHandle(
            &fd, *allocation_, HandleType::PosixDescriptor, 0));
        !exported) {
        return exported.error();
    }
    auto server = os::DescriptorServer::start(socket_path(ticket.id), os::FileDescriptor(fd),
                                              ticket.id, mode);
    if (!server) {
        return server.error();
    }
    server_.emplace(std::move(server).value());
    return {};
}

VmmMemory::~VmmMemory()
{
    server_.reset();
    release_in(*context(), [this](const Driver& driver) {
        // One by one: what was mapped by two calls is not promised to go by one.
        for (; times_mapped_ > 0; --times_mapped_) {
            static_cast<void>(driver.call.cuMemUnmap(
                reserved_ + static_cast<unsigned>(times_mapped_ - 1) * bytes_each_, bytes_each_));
        }
        if (reserved_ != 0) {
            static_cast<void>(driver.call.cuMemAddressFree(reserved_, 2 * bytes_each_));
        }
        if (allocation_) {
            static_cast<void>(driver.call.cuMemRelease(*allocation_));
        }
    });
}

}  // namespace tensor_ipc::cuda
