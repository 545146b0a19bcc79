/// Data on its way into a pool.
#pragma once

#include <optional>
#include <span>

#include "tensor_ipc/bindings/array_maker.hpp"
#include "tensor_ipc/bindings/dlpack_capsule.hpp"

namespace tensor_ipc::bindings {

/// An array that may be put: of a kind that the pool takes, and checked for device, dtype and
/// shape. Nothing is ever converted. Holds a reference.
class SourceFrame {
public:
    /// @param accept_any  take arrays of other frameworks than the pool's too
    /// @throws TypeError, ValueError naming what was expected and what was found
    SourceFrame(nb::handle data, ArrayMaker& pool, bool accept_any);

    /// Its first extent, of which the loan has to be; 1 for a scalar.
    [[nodiscard]] std::uint64_t extent() const noexcept { return extent_; }

    /// Its bytes when they are in one piece, and so few that they are copied with the GIL.
    /// @param row_bytes  of the pool
    [[nodiscard]] std::optional<std::span<const std::byte>> few_bytes(
        std::uint64_t row_bytes) const noexcept;

    /// Copies into a loan of that extent; without the GIL when it is worth it.
    void copy_to(Loan& loan, ArrayMaker& pool) const;

    /// Copies to host memory of that extent; without the GIL when it is worth it.
    void copy_to(std::span<std::byte> into, ArrayMaker& pool) const;

    /// The elements themselves where they are in one piece, in C order; else null.
    [[nodiscard]] const std::byte* in_one_piece() const noexcept
    {
        return how_ == How::Bytes ? bytes_ : nullptr;
    }

private:
    void take_numpy(nb::handle data, ArrayMaker& pool);
    void take_torch(nb::handle data, const PoolMetadata& pool);
    void take_dlpack(TakenTensor taken, const std::string& kind, const PoolMetadata& pool);

    enum class How : std::uint8_t {
        Bytes,  ///< in C order without gaps: one memcpy
        NumPy,  ///< `object_` is a NumPy array; its elements may be of another type of that size
        Torch,  ///< `object_` is a tensor
    };

    How how_ = How::Bytes;
    std::uint64_t extent_ = 1;
    const std::byte* bytes_ = nullptr;
    nb::object object_;
    std::optional<TakenTensor> taken_;  ///< outlives what `object_` shows of it
};

/// The bytes of a source in one piece: its own, or those of a copy.
class HostCopy {
public:
    HostCopy(const SourceFrame& source, std::uint64_t bytes, ArrayMaker& pool)
        : data_(source.in_one_piece())
    {
        if (data_ == nullptr) {
            owned_.resize(bytes);
            source.copy_to(owned_, pool);
            data_ = owned_.data();
        }
    }

    [[nodiscard]] const std::byte* data() const noexcept { return data_; }

private:
    std::vector<std::byte> owned_;
    const std::byte* data_;
};

}  // namespace tensor_ipc::bindings
