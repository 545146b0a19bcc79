/// What one process needs to know to open device memory of another: plain bytes, made to lie in
/// shared memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/cuda/device.hpp"
#include "tensor_ipc/cuda/driver_abi.hpp"
#include "tensor_ipc/os/process_facts.hpp"

namespace tensor_ipc::cuda {

/// How device memory gets from process to process. Python calls them 'ipc' and 'vmm'.
enum class MemoryKind : std::uint32_t {
    /// cuMemAlloc and a 64-byte handle (cuIpcGetMemHandle). Works on every GPU that is not divided
    /// or
    /// integrated; the memory must not be freed while others have it open, and is lost with its
    /// creator.
    Ipc = 1,

    /// cuMemCreate and a file descriptor (cuMemExportToShareableHandle). The memory lives until the
    /// last of those who have it is gone, and readers map it read-only.
    Vmm = 2,
};

/// The ticket of one allocation.
///
///   0       4       8               16              32
///   +-------+-------+---------------+---------------+
///   | kind  |  pid  |     bytes     |  device UUID  |
///   +-------+-------+---------------+---------------+
///   |              id               | pidns | zero  |
///   +-------------------------------+---------------+ 64
///   | Ipc: the driver's handle. Vmm: zero           |
///   +-----------------------------------------------+ 128
///
/// Whoever opens it checks it: `import_memory`. Holding one is the right to open the memory of kind
/// Ipc; for Vmm the mode of the creator's socket decides too.
struct MemoryTicket {
    MemoryKind kind;
    std::uint32_t creator_pid;    ///< as its creator sees it, for messages
    std::uint64_t bytes;          ///< a multiple of kAllocationBytes
    DeviceUuid device;            ///< where it lies
    os::RandomId id;              ///< of this allocation and no other
    std::uint64_t pid_namespace;  ///< its creator's, see os::pid_namespace
    std::uint64_t zero;
    IpcMemoryHandle handle;
};

static_assert(sizeof(MemoryTicket) == 128);
static_assert(offsetof(MemoryTicket, device) == 16 && offsetof(MemoryTicket, id) == 32);
static_assert(offsetof(MemoryTicket, handle) == 64);
static_assert(std::is_trivially_copyable_v<MemoryTicket>);

/// Device memory is shared in units of this: cuMemAlloc cuts smaller pieces from one block, and
/// whoever opens the piece gets the block, with whatever else is in it.
inline constexpr std::uint64_t kAllocationBytes = std::uint64_t{2} << 20;

/// @return BadSegment when no process of this version can have made it
[[nodiscard]] Result<void> validate(const MemoryTicket& ticket);

/// Where the creator of Vmm memory answers. Directly in /dev/shm, so that it is there for whoever
/// sees the segment, and short, because a socket's path may have 107 characters.
[[nodiscard]] std::string socket_path(const os::RandomId& id);

/// Removes what the creator of `ticket`'s memory left in the file system when it was killed. Does
/// nothing while it lives.
/// @return whether there was something
bool remove_leftover(const MemoryTicket& ticket) noexcept;

}  // namespace tensor_ipc::cuda
