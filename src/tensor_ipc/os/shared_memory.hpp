/// POSIX shared memory objects: files in /dev/shm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tensor_ipc/base/error.hpp"
#include "tensor_ipc/os/file_descriptor.hpp"

namespace tensor_ipc::os {

/// Where Linux keeps shared memory objects.
inline constexpr const char* kSharedMemoryDirectory = "/dev/shm";

/// What fstat(2) tells about an open object.
struct FileFacts {
    std::uint64_t bytes = 0;
    std::uint64_t allocated_bytes = 0;  ///< less than `bytes` in a sparse file
    std::uint64_t device = 0;           ///< with `inode`: which file it is
    std::uint64_t inode = 0;
    std::uint32_t owner_uid = 0;
    std::uint32_t group_gid = 0;
    std::uint32_t mode = 0;  ///< permission bits
    bool regular_file = false;
    std::uint64_t names = 0;  ///< hard links; 0 when it has no name any more
};

/// Makes `name` (no leading slash) and opens it for reading and writing.
/// @return nothing when the name is taken
[[nodiscard]] Result<std::optional<FileDescriptor>> create_shared_memory(const std::string& name);

enum class Access : std::uint8_t { ReadOnly, ReadWrite };

/// Opens `name`; never follows a symbolic link.
/// @return nothing when there is none
[[nodiscard]] Result<std::optional<FileDescriptor>> open_shared_memory(const std::string& name,
                                                                       Access access);

/// Removes the name. The memory lives on in those who have it mapped.
[[nodiscard]] Result<void> unlink_shared_memory(const std::string& name);

/// Gives the object its size with every byte allocated, so that no access can end in SIGBUS.
/// @return NoSpace when the file system is full
[[nodiscard]] Result<void> allocate(int fd, std::uint64_t bytes, const std::string& name);

/// Sets the permission bits exactly, whatever the umask.
[[nodiscard]] Result<void> set_mode(int fd, std::uint32_t mode, const std::string& name);

[[nodiscard]] Result<FileFacts> facts_of(int fd, const std::string& name);

/// Whether both are descriptors of one file.
[[nodiscard]] bool is_same_file(int one, int other) noexcept;

/// Whether `name` still leads to the open file `fd`.
[[nodiscard]] bool leads_to(const std::string& name, int fd);

/// Bytes of the file system behind `fd`: all of it, and what is free.
struct Capacity {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;
};

[[nodiscard]] Capacity capacity_of(int fd) noexcept;

/// Reads exactly `bytes` at `offset`.
/// @return false when the file is shorter
[[nodiscard]] bool read_exactly(int fd, std::uint64_t offset, void* into,
                                std::size_t bytes) noexcept;

/// Names of all objects, unordered.
[[nodiscard]] Result<std::vector<std::string>> list_shared_memory();

[[nodiscard]] std::uint32_t effective_uid() noexcept;

/// Whether this process has that group, as its own or as one more.
[[nodiscard]] bool is_in_group(std::uint32_t gid);

[[nodiscard]] std::uint32_t process_id() noexcept;
[[nodiscard]] std::uint64_t page_bytes() noexcept;

}  // namespace tensor_ipc::os
