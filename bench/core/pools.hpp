/// Pools to measure. A benchmark that cannot have its pool ends with the reason.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "tensor_ipc/pool/pool.hpp"

namespace tensor_ipc::bench {

/// The sizes of the issue: a state vector, a VGA, a 1080p and a 4K colour picture.
inline constexpr std::int64_t kStateBytes = 1024;
inline constexpr std::int64_t kVgaBytes = 640 * 480 * 3;
inline constexpr std::int64_t kFullHdBytes = 1920 * 1080 * 3;
inline constexpr std::int64_t kUltraHdBytes = 3840 * 2160 * 3;

template <typename T>
T require(Result<T> result)
{
    if (!result) {
        std::fprintf(stderr, "benchmark: %s\n", result.error().message.c_str());
        std::exit(1);
    }
    return std::move(result).value();
}

inline PoolMetadata bytes_pool(std::int64_t frame_bytes, std::uint32_t history_len)
{
    static std::atomic<int> number{0};
    PoolMetadata metadata;
    metadata.name = "bench-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
    metadata.shape = Shape{frame_bytes};
    metadata.dtype = *dtype_from_name("uint8");
    metadata.history_len = history_len;
    return metadata;
}

/// A producer whose every slot was written and published once, so that no page is new any more.
class WarmPool {
public:
    explicit WarmPool(std::int64_t frame_bytes, std::uint32_t history_len = 5)
        : producer_(require(Producer::create(bytes_pool(frame_bytes, history_len))))
    {
        std::vector<Loan> loans;
        for (std::uint32_t slot = 0; slot < producer_.geometry().slot_count; ++slot) {
            loans.push_back(require(producer_.loan()));
            const auto bytes = loans.back().bytes();
            std::fill(bytes.begin(), bytes.end(), std::byte{1});
            places_.push_back(bytes.data());
        }
        for (Loan& loan : loans) {
            loan.publish();
        }
    }

    [[nodiscard]] Producer& producer() noexcept { return producer_; }

    [[nodiscard]] Consumer consumer(const ConsumerOptions& options = {}) const
    {
        return require(Consumer::attach(producer_.metadata().name, options));
    }

    /// Where the payloads lie, in the order in which the producer takes them. To copy there past
    /// the protocol, as the baseline does; with no consumer around that harms nobody.
    [[nodiscard]] const std::vector<std::byte*>& places() const noexcept { return places_; }

private:
    Producer producer_;
    std::vector<std::byte*> places_;
};

}  // namespace tensor_ipc::bench
