#include "tensor_ipc/cuda/import_cache.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "tensor_ipc/cuda/ipc_memory.hpp"
#include "tensor_ipc/cuda/vmm_memory.hpp"

namespace tensor_ipc::cuda {

namespace {

/// One allocation in one context.
using Key = std::pair<os::RandomId, ContextHandle>;

struct Entry {
    std::weak_ptr<const DeviceMemory> memory;
    bool opening = false;  ///< some thread is about to fill `memory`
};

struct Cache {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<Key, Entry> entries;
};

// Never destroyed: frames may be released while static objects die.
Cache& cache()
{
    static auto* const instance = new Cache;  // NOLINT(*-owning-memory)
    return *instance;
}

void forget_dead(Cache& known)
{
    std::erase_if(known.entries, [](const auto& item) {
        return !item.second.opening && item.second.memory.expired();
    });
}

Result<std::shared_ptr<DeviceMemory>> open(const ContextRef& context, const MemoryTicket& ticket,
                                           std::uint64_t deadline_ns)
{
    return ticket.kind == MemoryKind::Ipc ? IpcMemory::open(context, ticket)
                                          : VmmMemory::open(context, ticket, deadline_ns);
}

}  // namespace

Result<std::shared_ptr<const DeviceMemory>> import_memory(const ContextRef& context,
                                                          const MemoryTicket& ticket,
                                                          std::uint64_t deadline_ns)
{
    // Before any lock: in a forked child another thread may have held it for ever.
    if (!context->driver().usable()) {
        return Driver::forked();
    }
    if (const auto valid = validate(ticket); !valid) {
        return valid.error();
    }
    if (context->device().uuid != ticket.device) {
        return Error{ErrorCode::InvalidArgument, "the memory lies on " + to_string(ticket.device) +
                                                     ", the context is of " +
                                                     to_string(context->device().uuid)};
    }
    Cache& known = cache();
    const Key key{ticket.id, context->handle()};
    std::unique_lock lock(known.mutex);
    for (;;) {
        forget_dead(known);
        const auto found = known.entries.find(key);
        if (found == known.entries.end()) {
            break;
        }
        if (auto memory = found->second.memory.lock()) {
            return memory;
        }
        known.changed.wait(lock);
    }
    known.entries[key].opening = true;

    // No lock while the driver works, or the creator is waited for.
    lock.unlock();
    auto opened = open(context, ticket, deadline_ns);
    lock.lock();

    Entry& entry = known.entries[key];
    entry.opening = false;
    if (opened) {
        entry.memory = opened.value();
    }
    known.changed.notify_all();
    if (!opened) {
        return opened.error();
    }
    return std::shared_ptr<const DeviceMemory>(std::move(opened).value());
}

void remember_own(const MemoryTicket& ticket, const std::shared_ptr<const DeviceMemory>& memory)
{
    Cache& known = cache();
    const std::lock_guard lock(known.mutex);
    forget_dead(known);
    known.entries[{ticket.id, memory->context()->handle()}].memory = memory;
}

}  // namespace tensor_ipc::cuda
