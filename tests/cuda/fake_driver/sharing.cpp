/// How memory gets into other processes: handles (cuIpc...) and descriptors (cuMemCreate and on).
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.hpp"

using namespace fake_cuda;

namespace {

constexpr char kMark[8] = {'f', 'a', 'k', 'e', 'C', 'U', 'D', 'A'};

/// What is in a memory handle. The memory is reached through its creator's descriptor, so it cannot
/// be opened once the creator has freed it or is gone.
struct Wire {
    char mark[8];
    int pid_value;  ///< what the driver compares
    int pid;
    int fd;
    int gpu;
    std::uint64_t inode;
    std::uint64_t bytes;
};

static_assert(sizeof(Wire) <= sizeof(CUipcMemHandle));

std::uint64_t inode_of(int fd)
{
    struct stat status {};

    return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

std::map<CUmemGenericAllocationHandle, PhysicalRef>& handles()
{
    static auto* const instance = new std::map<CUmemGenericAllocationHandle, PhysicalRef>;
    return *instance;
}

std::map<CUdeviceptr, std::uint64_t>& reservations()
{
    static auto* const instance = new std::map<CUdeviceptr, std::uint64_t>;
    return *instance;
}

/// Whether all `bytes` at `address` were reserved together.
bool is_reserved(CUdeviceptr address, std::uint64_t bytes)
{
    auto found = reservations().upper_bound(address);
    if (found == reservations().begin()) {
        return false;
    }
    --found;
    return address - found->first + bytes <= found->second;
}

/// Whether anything is mapped in this range.
bool is_mapped(CUdeviceptr address, std::uint64_t bytes)
{
    const auto next = blocks().lower_bound(address);
    return find_block(address, 1) != nullptr ||
           (next != blocks().end() && next->first < address + bytes);
}

CUmemGenericAllocationHandle add_handle(PhysicalRef memory)
{
    static CUmemGenericAllocationHandle last = 0x1000;
    handles()[++last] = std::move(memory);
    return last;
}

CUresult check_peer(int gpu)
{
    if (ordinal_of(gpu) < 0) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    return gpu_of(*current()) == gpu || process().settings.can("p2p")
               ? CUDA_SUCCESS
               : CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
}

bool is_supported(const CUmemAllocationProp& properties)
{
    return static_cast<int>(properties.type) == 1 && handle_types_of(properties) == 1 &&
           static_cast<int>(properties.location.type) == 1 && is_device(properties.location.id);
}

}  // namespace

namespace fake_cuda {

int handle_count()
{
    return static_cast<int>(handles().size());
}

int reservation_count()
{
    return static_cast<int>(reservations().size());
}

}  // namespace fake_cuda

extern "C" {

CUresult cuIpcGetMemHandle(CUipcMemHandle* handle, CUdeviceptr address)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    if (!process().settings.can("ipc")) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    const Block* block = find_block(address, 1);
    if (block == nullptr || block->origin != Block::Origin::Allocated) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    Wire wire{};
    std::memcpy(wire.mark, kMark, sizeof kMark);
    wire.pid_value = process().settings.pid;
    wire.pid = ::getpid();
    wire.fd = block->memory->fd;
    wire.gpu = block->memory->gpu;
    wire.inode = inode_of(wire.fd);
    wire.bytes = block->bytes;
    std::memset(handle, 0, sizeof *handle);
    std::memcpy(handle, &wire, sizeof wire);
    return CUDA_SUCCESS;
}

CUresult cuIpcOpenMemHandle_v2(CUdeviceptr* address, CUipcMemHandle handle, unsigned int flags)
{
    FAKE_CUDA_ENTER(Needs::Context);
    constexpr unsigned int kLazyPeer = 1;
    const std::lock_guard lock(process().mutex);
    if (!process().settings.can("ipc")) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    Wire wire{};
    std::memcpy(&wire, &handle, sizeof wire);
    if (std::memcmp(wire.mark, kMark, sizeof kMark) != 0 || flags != kLazyPeer) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (wire.pid_value == process().settings.pid) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    if (const CUresult peer = check_peer(wire.gpu); peer != CUDA_SUCCESS) {
        return peer;
    }
    for (auto& [begin, block] : blocks()) {
        if (block.origin == Block::Origin::Opened && block.ordinal == current()->ordinal &&
            inode_of(block.memory->fd) == wire.inode) {
            ++block.opens;
            *address = begin;
            return CUDA_SUCCESS;
        }
    }
    const std::string path = "/proc/" + std::to_string(wire.pid) + "/fd/" + std::to_string(wire.fd);
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0 || inode_of(fd) != wire.inode) {
        ::close(fd);
        return CUDA_ERROR_INVALID_HANDLE;
    }
    Block block;
    block.memory = std::make_shared<Physical>(fd, wire.bytes, wire.gpu, false);
    block.bytes = wire.bytes;
    block.origin = Block::Origin::Opened;
    block.ordinal = current()->ordinal;
    *address = reserve_addresses(wire.bytes);
    blocks()[*address] = std::move(block);
    return CUDA_SUCCESS;
}

CUresult cuIpcCloseMemHandle(CUdeviceptr address)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    const auto found = blocks().find(address);
    if (found == blocks().end() || found->second.origin != Block::Origin::Opened) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (--found->second.opens == 0) {
        free_addresses(address, found->second.bytes);
        blocks().erase(found);
    }
    return CUDA_SUCCESS;
}

CUresult cuMemGetAllocationGranularity(std::size_t* granularity,
                                       const CUmemAllocationProp* properties,
                                       CUmemAllocationGranularity_flags /*option*/)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (!process().settings.can("vmm")) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    *granularity = kGranularity;
    return is_supported(*properties) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* handle, std::size_t bytes,
                     const CUmemAllocationProp* properties, unsigned long long flags)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    if (!process().settings.can("vmm")) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (bytes == 0 || bytes % kGranularity != 0 || flags != 0 || !is_supported(*properties)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    PhysicalRef memory = make_physical(
        bytes, process().settings.gpus[static_cast<std::size_t>(properties->location.id)]);
    if (memory == nullptr) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *handle = add_handle(std::move(memory));
    return CUDA_SUCCESS;
}

CUresult cuMemRelease(CUmemGenericAllocationHandle handle)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    return handles().erase(handle) == 1 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemAddressReserve(CUdeviceptr* address, std::size_t bytes, std::size_t alignment,
                             CUdeviceptr wanted, unsigned long long flags)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (bytes == 0 || bytes % kGranularity != 0 || alignment > kGranularity || wanted != 0 ||
        flags != 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const std::lock_guard lock(process().mutex);
    *address = reserve_addresses(bytes);
    if (*address == 0) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    reservations()[*address] = bytes;
    return CUDA_SUCCESS;
}

CUresult cuMemAddressFree(CUdeviceptr address, std::size_t bytes)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    const auto found = reservations().find(address);
    if (found == reservations().end() || found->second != bytes || is_mapped(address, bytes)) {
        return CUDA_ERROR_INVALID_VALUE;  // not reserved, or still mapped
    }
    free_addresses(address, bytes);
    reservations().erase(found);
    return CUDA_SUCCESS;
}

CUresult cuMemMap(CUdeviceptr address, std::size_t bytes, std::size_t offset,
                  CUmemGenericAllocationHandle handle, unsigned long long flags)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    const auto memory = handles().find(handle);
    if (memory == handles().end() || !is_reserved(address, bytes) ||
        bytes > memory->second->bytes || bytes % kGranularity != 0 || address % kGranularity != 0 ||
        offset != 0 || flags != 0 || is_mapped(address, bytes)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    Block block;
    block.memory = memory->second;
    block.bytes = bytes;
    block.origin = Block::Origin::Mapped;
    block.ordinal = ordinal_of(block.memory->gpu);
    block.reads = false;  // until cuMemSetAccess
    block.writes = false;
    blocks()[address] = std::move(block);
    return CUDA_SUCCESS;
}

CUresult cuMemUnmap(CUdeviceptr address, std::size_t bytes)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    const auto found = blocks().find(address);
    if (found == blocks().end() || found->second.origin != Block::Origin::Mapped ||
        found->second.bytes != bytes) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    blocks().erase(found);
    return CUDA_SUCCESS;
}

CUresult cuMemSetAccess(CUdeviceptr address, std::size_t bytes, const CUmemAccessDesc* description,
                        std::size_t count)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    const auto found = blocks().find(address);
    if (found == blocks().end() || found->second.origin != Block::Origin::Mapped ||
        found->second.bytes != bytes || count != 1 || !is_device(description->location.id)) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const int gpu = process().settings.gpus[static_cast<std::size_t>(description->location.id)];
    if (gpu != found->second.memory->gpu && !process().settings.can("p2p")) {
        return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
    }
    found->second.reads = (access_of(*description) & 1) != 0;
    found->second.writes = access_of(*description) == 3;
    return CUDA_SUCCESS;
}

CUresult cuMemExportToShareableHandle(void* descriptor, CUmemGenericAllocationHandle handle,
                                      CUmemAllocationHandleType type, unsigned long long flags)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    const auto found = handles().find(handle);
    if (found == handles().end() || static_cast<int>(type) != 1 || flags != 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    // Without FD_CLOEXEC, which the interface does not promise.
    *static_cast<int*>(descriptor) = ::dup(found->second->fd);
    return CUDA_SUCCESS;
}

CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle* handle, void* descriptor,
                                        CUmemAllocationHandleType type)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    if (!process().settings.can("vmm")) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(descriptor));
    char name[64] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    constexpr const char* kMemory = "/memfd:fake-cuda-";

    struct stat status {};

    if (static_cast<int>(type) != 1 || ::readlink(link.c_str(), name, sizeof name - 1) < 0 ||
        std::strncmp(name, kMemory, std::strlen(kMemory)) != 0 || ::fstat(fd, &status) != 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const int gpu = std::atoi(name + std::strlen(kMemory));
    if (ordinal_of(gpu) < 0) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    *handle = add_handle(std::make_shared<Physical>(
        ::fcntl(fd, F_DUPFD_CLOEXEC, 0), static_cast<std::uint64_t>(status.st_size), gpu, false));
    return CUDA_SUCCESS;
}
}
