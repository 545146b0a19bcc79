/// Owners of mapped memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::os {

enum class Protection : std::uint8_t {
    ReadOnly,
    ReadWrite,
    CopyOnWrite,  ///< shows the file; a page that is written to becomes this mapping's own
};

/// A range of address space, unmapped when this dies. Move-only.
class Mapping {
public:
    Mapping() = default;

    /// Maps `bytes` of `fd`, which may be closed then, from `offset` on, shared with every other
    /// process that does (writes of a CopyOnWrite mapping excepted).
    [[nodiscard]] static Result<Mapping> shared(int fd, std::uint64_t offset, std::uint64_t bytes,
                                                Protection protection);

    /// Maps the same `bytes` twice, back to back, so that a range that runs over the end of the
    /// ring goes on at its start: the result is `2 * bytes` long. `bytes` is a multiple of the
    /// page size. Source: the "magic ring buffer" mapping, known since at least 1998.
    [[nodiscard]] static Result<Mapping> shared_twice(int fd, std::uint64_t offset,
                                                      std::uint64_t bytes, Protection protection);

    Mapping(Mapping&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0))
    {
    }

    Mapping& operator=(Mapping&& other) noexcept
    {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }

    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    [[nodiscard]] std::byte* data() const noexcept { return data_; }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    Mapping(std::byte* data, std::uint64_t bytes) noexcept : data_(data), bytes_(bytes) {}

    std::byte* data_ = nullptr;
    std::uint64_t bytes_ = 0;
};

}  // namespace tensor_ipc::os
