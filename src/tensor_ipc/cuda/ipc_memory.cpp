#include "tensor_ipc/cuda/ipc_memory.hpp"

#include <string>

#include "tensor_ipc/os/shared_memory.hpp"

namespace tensor_ipc::cuda {

namespace {

/// Says which two processes have one PID, where that is why the driver refused.
Error open_error(const Driver& driver, Called called, const MemoryTicket& ticket)
{
    Error error = driver.error(called);
    if (called.status != Status::InvalidContext) {
        return error;
    }
    const std::uint64_t here = os::pid_namespace();
    error.message.append(". Here: the creator had PID ")
        .append(std::to_string(ticket.creator_pid))
        .append(here == ticket.pid_namespace ? " in this PID namespace"
                                             : " in another PID namespace")
        .append(", this process has PID ")
        .append(std::to_string(os::process_id()));
    return error;
}

}  // namespace

IpcMemory::IpcMemory(ContextRef context, Origin origin) noexcept
    : DeviceMemory(std::move(context)), origin_(origin)
{
}

Result<std::shared_ptr<DeviceMemory>> IpcMemory::create(const ContextRef& context,
                                                        std::uint64_t bytes)
{
    const auto current = CurrentContext::push(*context);
    if (!current) {
        return current.error();
    }
    const std::shared_ptr<IpcMemory> memory(
        new IpcMemory(context, Origin::Made));  // NOLINT(*-owning-memory): private constructor
    const Driver& driver = context->driver();
    DevicePointer address = 0;
    if (const auto made = driver.check(driver.call.cuMemAlloc_v2(&address, bytes)); !made) {
        return made.error();
    }
    memory->set_range(address, bytes);
    return std::shared_ptr<DeviceMemory>(memory);
}

Result<std::shared_ptr<DeviceMemory>> IpcMemory::open(const ContextRef& context,
                                                      const MemoryTicket& ticket)
{
    const auto current = CurrentContext::push(*context);
    if (!current) {
        return current.error();
    }
    const std::shared_ptr<IpcMemory> memory(
        new IpcMemory(context, Origin::Opened));  // NOLINT(*-owning-memory): private constructor
    const Driver& driver = context->driver();
    DevicePointer address = 0;
    const Called opened =
        driver.call.cuIpcOpenMemHandle_v2(&address, ticket.handle, kIpcLazyEnablePeerAccess);
    if (!opened.ok()) {
        return open_error(driver, opened, ticket);
    }
    memory->set_range(address, ticket.bytes);
    DevicePointer begin = 0;
    std::size_t bytes = 0;
    if (const auto measured =
            driver.check(driver.call.cuMemGetAddressRange_v2(&begin, &bytes, address));
        !measured) {
        return measured.error();
    }
    if (begin != address || bytes < ticket.bytes) {
        return Error{ErrorCode::BadSegment, "the opened device memory has " +
                                                std::to_string(bytes) + " bytes, expected " +
                                                std::to_string(ticket.bytes)};
    }
    return std::shared_ptr<DeviceMemory>(memory);
}

Result<void> IpcMemory::offer(MemoryTicket& ticket, std::uint32_t /*mode*/)
{
    const auto current = CurrentContext::push(*context());
    if (!current) {
        return current.error();
    }
    const Driver& driver = context()->driver();
    if (const auto got = driver.check(driver.call.cuIpcGetMemHandle(&ticket.handle, address()));
        !got) {
        return got.error();
    }
    may_be_open_elsewhere_ = true;
    return {};
}

IpcMemory::~IpcMemory()
{
    if (address() == 0 || may_be_open_elsewhere_) {
        return;
    }
    // No lock of ours is held here: closing may take milliseconds.
    release_in(*context(), [this](const Driver& driver) {
        static_cast<void>(origin_ == Origin::Opened ? driver.call.cuIpcCloseMemHandle(address())
                                                    : driver.call.cuMemFree_v2(address()));
    });
}

}  // namespace tensor_ipc::cuda
