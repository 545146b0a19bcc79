/// cuMemAlloc, cuMemFree, registered host memory, and what an address is.
#include "memory.hpp"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_cuda.hpp"
#include "streams.hpp"

namespace fake_cuda {

namespace {

/// What this process has of each GPU. Memory goes when the last piece of work lets go of it, on any
/// thread.
struct Accounts {
    std::mutex mutex;
    std::map<int, std::uint64_t> bytes;
};

Accounts& accounts()
{
    static auto* const instance = new Accounts;
    return *instance;
}

void charge(int gpu, std::uint64_t bytes)
{
    const std::lock_guard lock(accounts().mutex);
    accounts().bytes[gpu] += bytes;
}

void refund(int gpu, std::uint64_t bytes)
{
    const std::lock_guard lock(accounts().mutex);
    accounts().bytes[gpu] -= bytes;
}

std::map<std::uintptr_t, std::uint64_t>& registrations()
{
    static auto* const instance = new std::map<std::uintptr_t, std::uint64_t>;
    return *instance;
}

/// Whether this process may write at `address`: the kernel's own answer.
bool is_writable(const void* address)
{
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::istringstream stream(line);
        std::uintptr_t begin = 0;
        std::uintptr_t end = 0;
        char dash = 0;
        std::string rights;
        stream >> std::hex >> begin >> dash >> end >> rights;
        if (wanted >= begin && wanted < end) {
            return rights.size() > 1 && rights[1] == 'w';
        }
    }
    return false;
}

}  // namespace

Physical::Physical(int file, std::uint64_t size, int of_gpu, bool is_charged)
    : fd(file), bytes(size), gpu(of_gpu), charged(is_charged)
{
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    data = mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
    if (charged) {
        charge(gpu, bytes);
    }
}

Physical::~Physical()
{
    if (data != nullptr) {
        ::munmap(data, bytes);
    }
    ::close(fd);
    if (charged) {
        refund(gpu, bytes);
    }
}

PhysicalRef make_physical(std::uint64_t bytes, int gpu)
{
    if (fake_cuda_used_bytes(gpu) + bytes > process().settings.memory_bytes) {
        return nullptr;
    }
    const std::string name = "fake-cuda-" + std::to_string(gpu);
    const int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC);
    if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
        ::close(fd);
        return nullptr;
    }
    auto memory = std::make_shared<Physical>(fd, bytes, gpu, true);
    if (memory->data == nullptr) {
        return nullptr;
    }
    std::memset(memory->data, kUninitialised, bytes);
    return memory;
}

std::map<CUdeviceptr, Block>& blocks()
{
    static auto* const instance = new std::map<CUdeviceptr, Block>;
    return *instance;
}

CUdeviceptr reserve_addresses(std::uint64_t bytes)
{
    // More than is asked for, so that a multiple of the granularity is in it; the rest goes back.
    void* mapped = ::mmap(nullptr, bytes + kGranularity, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return 0;
    }
    const auto begin = reinterpret_cast<std::uintptr_t>(mapped);
    const std::uintptr_t aligned = (begin + kGranularity - 1) & ~(kGranularity - 1);
    if (aligned != begin) {
        ::munmap(mapped, aligned - begin);
    }
    if (aligned != begin + kGranularity) {
        ::munmap(reinterpret_cast<void*>(aligned + bytes), begin + kGranularity - aligned);
    }
    return aligned;
}

void free_addresses(CUdeviceptr address, std::uint64_t bytes)
{
    ::munmap(reinterpret_cast<void*>(address), bytes);
}

Block* find_block(CUdeviceptr address, std::uint64_t bytes, CUdeviceptr* begin)
{
    auto found = blocks().upper_bound(address);
    if (found == blocks().begin()) {
        return nullptr;
    }
    --found;
    if (address - found->first + bytes > found->second.bytes) {
        return nullptr;
    }
    if (begin != nullptr) {
        *begin = found->first;
    }
    return &found->second;
}

bool is_registered(const void* data, std::uint64_t bytes)
{
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    auto found = registrations().upper_bound(address);
    if (found == registrations().begin()) {
        return false;
    }
    --found;
    return address + bytes <= found->first + found->second;
}

int registration_count()
{
    return static_cast<int>(registrations().size());
}

}  // namespace fake_cuda

using namespace fake_cuda;

extern "C" {

CUresult cuMemAlloc_v2(CUdeviceptr* address, std::size_t bytes)
{
    FAKE_CUDA_ENTER(Needs::Context);
    if (bytes == 0) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const std::lock_guard lock(process().mutex);
    Block block;
    block.memory = make_physical(bytes, gpu_of(*current()));
    block.bytes = bytes;
    block.ordinal = current()->ordinal;
    *address = block.memory == nullptr ? 0 : reserve_addresses(bytes);
    if (*address == 0) {
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    blocks()[*address] = std::move(block);
    return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address)
{
    FAKE_CUDA_ENTER(Needs::Context);
    drain_streams();  // as the real one
    const std::lock_guard lock(process().mutex);
    const auto found = blocks().find(address);
    if (found == blocks().end() || found->second.origin != Block::Origin::Allocated) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    std::memset(found->second.memory->data, kPoison, found->second.bytes);
    free_addresses(address, found->second.bytes);
    blocks().erase(found);
    return CUDA_SUCCESS;
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr* begin, std::size_t* bytes, CUdeviceptr address)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    const Block* block = find_block(address, 1, begin);
    if (block == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    *bytes = block->bytes;
    return CUDA_SUCCESS;
}

CUresult cuPointerGetAttribute(void* value, CUpointer_attribute attribute, CUdeviceptr address)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    const std::lock_guard lock(process().mutex);
    const Block* block = find_block(address, 1);
    const bool registered = is_registered(reinterpret_cast<const void*>(address), 1);
    if (block == nullptr && !registered) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    switch (static_cast<int>(attribute)) {
        case 2:
            *static_cast<unsigned int*>(value) = block == nullptr ? 1 : 2;
            return CUDA_SUCCESS;
        case 9:
            *static_cast<int*>(value) = block == nullptr ? 0 : ordinal_of(block->memory->gpu);
            return CUDA_SUCCESS;
        default:
            return CUDA_ERROR_INVALID_VALUE;
    }
}

CUresult cuMemHostRegister_v2(void* data, std::size_t bytes, unsigned int flags)
{
    FAKE_CUDA_ENTER(Needs::Context);
    constexpr unsigned int kReadOnly = 8;
    const bool read_only = (flags & kReadOnly) != 0;
    if (!process().settings.can("hostreg") ||
        (read_only && !process().settings.can("readonly-hostreg"))) {
        return CUDA_ERROR_NOT_SUPPORTED;
    }
    if (bytes == 0 || (!read_only && !is_writable(data))) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const std::lock_guard lock(process().mutex);
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    for (const auto& [begin, length] : registrations()) {
        if (address < begin + length && begin < address + bytes) {
            return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
        }
    }
    registrations()[address] = bytes;
    return CUDA_SUCCESS;
}

CUresult cuMemHostUnregister(void* data)
{
    FAKE_CUDA_ENTER(Needs::Context);
    const std::lock_guard lock(process().mutex);
    return registrations().erase(reinterpret_cast<std::uintptr_t>(data)) == 1
               ? CUDA_SUCCESS
               : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
}

FakeCudaLive fake_cuda_live()
{
    const StreamCounts counts = stream_counts();
    const std::lock_guard lock(process().mutex);
    FakeCudaLive live{};
    for (const Context& context : process().contexts) {
        live.contexts += context.retains;
    }
    live.pushed = contexts_pushed_here();
    for (const auto& [address, block] : blocks()) {
        live.allocations += block.origin == Block::Origin::Allocated;
        live.opened += block.origin == Block::Origin::Opened ? block.opens : 0;
        live.mappings += block.origin == Block::Origin::Mapped;
    }
    live.handles = handle_count();
    live.reservations = reservation_count();
    live.registrations = registration_count();
    live.streams = counts.streams;
    live.events = counts.events;
    return live;
}

std::uint64_t fake_cuda_used_bytes(int gpu)
{
    const std::lock_guard lock(accounts().mutex);
    return accounts().bytes[gpu];
}

// Looks also while a copy is being made, which is what it is for: no race to report.
__attribute__((no_sanitize("thread"))) int fake_cuda_peek(unsigned long long address)
{
    const std::lock_guard lock(process().mutex);
    CUdeviceptr begin = 0;
    const Block* block = find_block(address, 1, &begin);
    return block == nullptr ? -1 : static_cast<unsigned char>(block->memory->data[address - begin]);
}
}
