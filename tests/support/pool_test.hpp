/// What tests of whole pools share: names of their own, frames that are easy to recognise, and a
/// look into /dev/shm afterwards.
#pragma once

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/mman.h>

#include <gtest/gtest.h>

#include "support/child_process.hpp"
#include "tensor_ipc/os/clock.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/pool/pool.hpp"

namespace tensor_ipc::testing {

/// A deadline that only a hang meets.
[[nodiscard]] inline std::uint64_t hang_deadline_ns()
{
    return os::monotonic_ns() + std::uint64_t{kHangMs} * 1'000'000;
}

/// A name that no other test has, in this process or another.
[[nodiscard]] inline std::string unique_pool_name()
{
    static int count = 0;
    return "pool-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

/// What every object of this test process starts with. test_main.cpp sets the namespace.
[[nodiscard]] inline std::string segment_prefix()
{
    const char* name_space = std::getenv("TENSOR_IPC_NAMESPACE");
    return "tensoripc_" + std::string(name_space == nullptr ? "" : name_space) + "=";
}

[[nodiscard]] inline std::string segment_path(const std::string& pool_name)
{
    return "/dev/shm/" + segment_prefix() + pool_name;
}

/// Objects of this test process in /dev/shm.
[[nodiscard]] inline std::vector<std::string> leftovers()
{
    auto names = os::list_shared_memory();
    std::vector<std::string> mine;
    if (names) {
        std::ranges::copy_if(*names, std::back_inserter(mine), [](const std::string& name) {
            return name.starts_with(segment_prefix());
        });
    }
    return mine;
}

inline void remove_leftovers()
{
    for (const std::string& name : leftovers()) {
        ::unlink(("/dev/shm/" + name).c_str());
    }
}

/// The value of a result that has to be there.
template <typename T>
T must(Result<T> result)
{
    if (!result) {
        throw std::runtime_error(result.error().message);
    }
    return std::move(result).value();
}

/// The frame, window or segment of a result that has to hold one.
template <typename T>
T present(Result<std::optional<T>> result)
{
    auto outcome = must(std::move(result));
    if (!outcome) {
        throw std::runtime_error("there is no frame or pool");
    }
    return std::move(*outcome);
}

[[nodiscard]] inline PoolMetadata metadata_of(const std::string& name,
                                              std::uint32_t history_len = 3,
                                              const Shape& shape = {2, 3})
{
    PoolMetadata metadata;
    metadata.name = name;
    metadata.shape = shape;
    metadata.dtype = *dtype_from_name("int32");
    metadata.history_len = history_len;
    return metadata;
}

/// A frame whose every element is `value`.
[[nodiscard]] inline std::vector<std::int32_t> frame_of(const PoolMetadata& metadata,
                                                        std::int32_t value)
{
    return std::vector<std::int32_t>(*metadata.shape.elements(), value);
}

inline std::uint64_t put(Producer& producer, std::int32_t value)
{
    const auto frame = frame_of(producer.metadata(), value);
    return must(producer.put(std::as_bytes(std::span(frame))));
}

/// Publishes a frame that was captured at `captured_ns` and whose every element says so.
inline std::uint64_t put_at(Producer& producer, std::uint64_t captured_ns)
{
    const auto frame = frame_of(producer.metadata(), static_cast<std::int32_t>(captured_ns));
    return must(producer.put(std::as_bytes(std::span(frame)), {captured_ns}));
}

/// The value that fills these bytes; throws when they are not of one value.
[[nodiscard]] inline std::int32_t value_of(std::span<const std::byte> bytes)
{
    std::vector<std::int32_t> values(bytes.size() / sizeof(std::int32_t));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(std::int32_t));
    if (values.empty() ||
        std::ranges::count(values, values.front()) != static_cast<std::ptrdiff_t>(values.size())) {
        throw std::runtime_error("a frame holds different values");
    }
    return values.front();
}

[[nodiscard]] inline std::int32_t value_of(const Frame& frame)
{
    return value_of(frame.bytes());
}

/// Newest first.
[[nodiscard]] inline std::vector<std::int32_t> values_of(const FrameWindow& window)
{
    std::vector<std::int32_t> values;
    for (std::uint32_t age = 0; age < window.count(); ++age) {
        values.push_back(value_of(window.bytes(age)));
    }
    return values;
}

/// Publishes `values` in a process that then dies by SIGKILL.
inline void publish_and_die(const PoolMetadata& metadata, const std::vector<std::int32_t>& values,
                            const SegmentOptions& options = {})
{
    ChildProcess child([&](const Channel& parent) {
        Producer producer = must(Producer::create(metadata, options));
        for (const std::int32_t value : values) {
            put(producer, value);
        }
        parent.say('p');
        return static_cast<int>(parent.hear());
    });
    if (child.channel().hear() != 'p') {
        throw std::runtime_error("the producer to be killed did not publish");
    }
    child.kill();
}

/// Fails when a test leaves something in /dev/shm, and removes it.
class PoolTest : public ::testing::Test {
protected:
    void TearDown() override
    {
        EXPECT_EQ(leftovers(), std::vector<std::string>{});
        remove_leftovers();
    }

    std::string name_ = unique_pool_name();
};

}  // namespace tensor_ipc::testing
