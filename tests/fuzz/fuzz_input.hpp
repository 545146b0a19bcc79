/// The bytes that a fuzzer makes up, read as decisions.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace tensor_ipc::fuzz {

/// Ends the process like a crash when `condition` does not hold; also in builds without assertions.
#define FUZZ_REQUIRE(condition)                                                                 \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                       \
        }                                                                                       \
    } while (false)

/// Gives zeros when it is used up, so that every input is a complete one.
class FuzzInput {
public:
    explicit FuzzInput(std::span<const std::uint8_t> bytes) noexcept : rest_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

    /// What was not read yet.
    [[nodiscard]] std::span<const std::uint8_t> rest() const noexcept { return rest_; }

    template <typename T>
    T number() noexcept
    {
        T value{};
        const std::size_t bytes = rest_.size() < sizeof value ? rest_.size() : sizeof value;
        std::memcpy(&value, rest_.data(), bytes);
        rest_ = rest_.subspan(bytes);
        return value;
    }

    std::uint8_t byte() noexcept { return number<std::uint8_t>(); }

    bool flag() noexcept { return (byte() & 1U) != 0; }

    /// 0 to `count` - 1.
    std::uint32_t below(std::uint32_t count) noexcept { return byte() % count; }

private:
    std::span<const std::uint8_t> rest_;
};

/// Runs one input. Each target defines it; libFuzzer, or replay_main.cpp, calls it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

}  // namespace tensor_ipc::fuzz
