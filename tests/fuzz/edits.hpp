/// What a malicious process writes into the control bytes of a pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/fuzz_input.hpp"
#include "tensor_ipc/layout/layout.hpp"

namespace tensor_ipc::fuzz {

/// One store: 1, 4 or 8 bytes at an offset that is a multiple of that.
struct Edit {
    std::uint64_t offset = 0;
    std::uint64_t value = 0;
    std::uint32_t width = 1;
    std::uint8_t step = 0;  ///< what the value grows by from one round of an adversary to the next
};

/// Reads an edit that lies within the control bytes. Most aim at a word of the protocol, with
/// values that mean something there.
[[nodiscard]] Edit next_edit(FuzzInput& input, const Geometry& geometry);

/// Up to 15 of them, in the first `bytes` bytes.
[[nodiscard]] std::vector<Edit> next_edits(FuzzInput& input, const Geometry& geometry,
                                           std::uint64_t bytes);

/// A number that is near a limit, or means something in a word of the protocol, or is arbitrary.
[[nodiscard]] std::uint64_t next_value(FuzzInput& input);

/// Stores it, in round `round`. Races with whoever else uses these bytes; that is what it is for.
void write_into(const Edit& edit, std::byte* control, std::uint64_t round = 0);

}  // namespace tensor_ipc::fuzz
