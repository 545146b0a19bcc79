/// What tests of pools on a device share: frames in device memory that are easy to recognise.
#pragma once

#include <optional>
#include <span>

#include "cuda_test.hpp"
#include "tensor_ipc/pool/pool.hpp"

namespace tensor_ipc::cuda::testing {

using tensor_ipc::testing::leftovers;
using tensor_ipc::testing::present;
using tensor_ipc::testing::remove_leftovers;
using tensor_ipc::testing::unique_pool_name;

/// Fails when what has to succeed does not.
inline void must_do(const Result<void>& result)
{
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
}

/// Frames of `elements` int32 on cuda:`ordinal`.
[[nodiscard]] inline PoolMetadata device_metadata(const std::string& name,
                                                  std::uint32_t history_len = 1,
                                                  std::int64_t elements = 600, int ordinal = 0)
{
    PoolMetadata metadata = tensor_ipc::testing::metadata_of(name, history_len, Shape{elements});
    metadata.backend = "cuda";
    metadata.device = "cuda:" + std::to_string(ordinal);
    return metadata;
}

/// Options that name the kind of memory.
[[nodiscard]] inline CudaOptions options_of(MemoryKind kind, CudaSync sync = CudaSync::Stream)
{
    CudaOptions options;
    options.memory = kind;
    options.sync = sync;
    return options;
}

/// A user of the device: a stream, and an array of int32 that its work fills and that it lends to
/// `put`.
class DeviceArray {
public:
    explicit DeviceArray(std::int64_t elements = 600, int ordinal = 0)
        : bench_(ordinal),
          values_(static_cast<std::size_t>(elements)),
          memory_(must(DeviceMemory::create(bench_.context, MemoryKind::Ipc, bytes())))
    {
    }

    [[nodiscard]] std::uint64_t bytes() const { return values_.size() * sizeof(std::int32_t); }

    [[nodiscard]] const Bench& bench() const { return bench_; }

    [[nodiscard]] StreamHandle stream() const { return bench_.stream.handle(); }

    [[nodiscard]] DevicePointer address() const { return memory_->address(); }

    /// Fills it, in the order of the stream.
    void fill(std::int32_t value) { write(address(), value); }

    /// Fills memory of the pool, as a kernel of the user would.
    void write(DevicePointer to, std::int32_t value)
    {
        std::ranges::fill(values_, value);
        must_do(bench_.stream.copy_to_device(bench_.current, to, values_.data(), bytes()));
    }

    /// Reads memory of the pool, as a kernel of the user would; to be seen after `values()`.
    void read(DevicePointer from)
    {
        must_do(bench_.stream.copy_on_device(bench_.current, address(), from, bytes()));
    }

    /// What it holds once its stream is done.
    [[nodiscard]] std::vector<std::int32_t> values()
    {
        must_do(bench_.stream.copy_to_host(bench_.current, values_.data(), address(), bytes()));
        must_do(bench_.stream.synchronize(bench_.current));
        return values_;
    }

    [[nodiscard]] CudaSource source() const
    {
        return {reinterpret_cast<const void*>(address()), bytes(), stream()};
    }

private:
    Bench bench_;
    std::vector<std::int32_t> values_;
    std::shared_ptr<DeviceMemory> memory_;
};

/// The value of every element of a frame on the device; throws when they differ.
[[nodiscard]] inline std::int32_t value_on_device(const FrameWindow& window, std::uint32_t age = 0)
{
    std::vector<std::byte> bytes(window.payload_bytes(age));
    must_do(window.copy_to_host(bytes, age));
    return tensor_ipc::testing::value_of(bytes);
}

[[nodiscard]] inline std::vector<std::int32_t> values_on_device(const FrameWindow& window)
{
    std::vector<std::int32_t> values;
    for (std::uint32_t age = 0; age < window.count(); ++age) {
        values.push_back(value_on_device(window, age));
    }
    return values;
}

/// The newest frame, which has to be there.
[[nodiscard]] inline FrameWindow newest(Consumer& consumer)
{
    return present(consumer.latest()).into_window();
}

/// How many slots any consumer of the pool pins.
[[nodiscard]] inline std::uint32_t pinned_slots(const std::string& pool_name)
{
    std::uint32_t pinned = 0;
    for (const ConsumerFacts& consumer : must(inspect(pool_name)).consumers) {
        pinned += consumer.pinned_slots;
    }
    return pinned;
}

/// Fails when a test leaves anything with the driver, or in /dev/shm.
class CudaPoolTest : public CudaTest {
protected:
    void TearDown() override
    {
        fake_cuda_hold(0);
        fake_cuda_drain();
        drop_finished_frames();
        CudaTest::TearDown();
        EXPECT_EQ(leftovers(), std::vector<std::string>{});
        remove_leftovers();
    }

    std::string name_ = unique_pool_name();
};

/// The same with memory of each kind.
class CudaPoolOfEachKind : public CudaPoolTest, public ::testing::WithParamInterface<MemoryKind> {};

}  // namespace tensor_ipc::cuda::testing
