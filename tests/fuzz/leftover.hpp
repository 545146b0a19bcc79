/// Objects in /dev/shm as a dead or malicious producer may leave them.
#pragma once

#include <optional>
#include <string>

#include "fuzz/edits.hpp"
#include "tensor_ipc/os/mapping.hpp"
#include "tensor_ipc/segment/open_segment.hpp"

namespace tensor_ipc::fuzz {

/// What a pool was made with.
struct PoolPlan {
    PoolMetadata metadata;
    SegmentOptions options;
    std::uint32_t frames = 0;  ///< published before its producer died
};

/// Up to 7 slots of up to two pages, so that a run takes less than a millisecond.
[[nodiscard]] PoolPlan next_plan(FuzzInput& input, const std::string& pool_name);

/// Where the pool's object is; in a namespace that only this process uses.
[[nodiscard]] std::string path_of(const std::string& pool_name);

/// A sound segment whose producer is dead, and a mapping of its control bytes, to damage it.
class Leftover {
public:
    explicit Leftover(const PoolPlan& plan);
    Leftover(const Leftover&) = delete;
    Leftover& operator=(const Leftover&) = delete;

    /// Removes the name.
    ~Leftover();

    [[nodiscard]] std::byte* control() const noexcept { return control_.data(); }

    [[nodiscard]] const Geometry& geometry() const noexcept { return geometry_; }

    /// How many of the control bytes are still there to be written.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// Damages the control bytes, and makes the file shorter, longer, or leaves it as it is.
    void damage(FuzzInput& input);

private:
    std::string path_;
    Geometry geometry_;
    std::uint64_t bytes_ = 0;
    os::Mapping control_;
};

/// Makes a file of these bytes, `size` long.
void write_object(const std::string& pool_name, std::span<const std::uint8_t> bytes,
                  std::uint64_t size);

}  // namespace tensor_ipc::fuzz
