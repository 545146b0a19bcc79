/// Device memory: bytes that the device sees through mappings of the stand-in's own, and addresses
/// that the host cannot touch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "process.hpp"

namespace fake_cuda {

/// Physical memory of one GPU: a memory file, mapped for the device's own use.
struct Physical {
    Physical(int file, std::uint64_t size, int of_gpu, bool is_charged);
    Physical(const Physical&) = delete;
    Physical& operator=(const Physical&) = delete;
    ~Physical();

    int fd;
    std::uint64_t bytes;
    int gpu;
    bool charged;  ///< counted as this process's
    char* data = nullptr;
};

using PhysicalRef = std::shared_ptr<Physical>;

/// New memory, or null when the GPU has not enough left. With the process's mutex held.
PhysicalRef make_physical(std::uint64_t bytes, int gpu);

/// A range of device addresses that leads to memory.
struct Block {
    enum class Origin { Allocated, Opened, Mapped };

    PhysicalRef memory;
    std::uint64_t bytes = 0;
    Origin origin = Origin::Allocated;
    int ordinal = 0;    ///< of the context it belongs to
    int opens = 1;      ///< how often an Opened one was
    bool reads = true;  ///< what the device may do with it
    bool writes = true;
};

/// By first address. All with the process's mutex held.
std::map<CUdeviceptr, Block>& blocks();

/// Reserves addresses that fault on the host; 0 when there are none.
CUdeviceptr reserve_addresses(std::uint64_t bytes);
void free_addresses(CUdeviceptr address, std::uint64_t bytes);

/// The block that holds all `bytes` at `address`, or null. Fills in the block's first address.
Block* find_block(CUdeviceptr address, std::uint64_t bytes, CUdeviceptr* begin = nullptr);

/// Whether all `bytes` at `data` are registered host memory.
bool is_registered(const void* data, std::uint64_t bytes);

/// Numbers for fake_cuda_live().
int registration_count();
int handle_count();
int reservation_count();

}  // namespace fake_cuda
