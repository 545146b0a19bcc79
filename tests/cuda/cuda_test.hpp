/// What tests of cuda/ share: the stand-in driver under settings of the test's own, and a look at
/// what is left of it afterwards.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "fake_driver/fake_cuda.hpp"
#include "support/pool_test.hpp"
#include "tensor_ipc/cuda/cuda.hpp"

namespace tensor_ipc::cuda::testing {

using tensor_ipc::testing::must;

/// Environment variables, set while this lives. The stand-in reads them at its reset.
class Settings {
public:
    using Pairs = std::initializer_list<std::pair<const char*, std::string>>;

    explicit Settings(Pairs settings)
    {
        for (const auto& [name, value] : settings) {
            ::setenv(name, value.c_str(), 1);
            names_.emplace_back(name);
        }
        fake_cuda_reset();
    }

    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;

    ~Settings()
    {
        for (const std::string& name : names_) {
            ::unsetenv(name.c_str());
        }
        fake_cuda_reset();
    }

private:
    std::vector<std::string> names_;
};

/// This process's driver, which is the stand-in.
[[nodiscard]] inline const Driver& the_driver()
{
    ::setenv("TENSOR_IPC_CUDA_DRIVER", FAKE_CUDA_LIBRARY, 1);
    return *must(Driver::get());
}

[[nodiscard]] inline ContextRef context_of(int ordinal = 0)
{
    return must(PrimaryContext::retain(the_driver(), must(device_at(the_driver(), ordinal))));
}

/// A small program's worth of CUDA: a context that is current, and a stream.
class Bench {
public:
    explicit Bench(int ordinal = 0)
        : context(context_of(ordinal)),
          current(must(CurrentContext::push(*context))),
          stream(must(Stream::create(context, current)))
    {
    }

    /// Fills all of `memory` with `value`, in the order of the stream.
    void fill(const DeviceMemory& memory, unsigned char value) const
    {
        const std::vector<unsigned char> bytes(memory.bytes(), value);
        const auto asked =
            stream.copy_to_device(current, memory.address(), bytes.data(), bytes.size());
        EXPECT_TRUE(asked.ok());
    }

    /// Everything in `memory` once the stream is done.
    [[nodiscard]] std::vector<unsigned char> contents(const DeviceMemory& memory) const
    {
        std::vector<unsigned char> bytes(memory.bytes());
        must(stream.copy_to_host(current, bytes.data(), memory.address(), bytes.size()));
        must(stream.synchronize(current));
        return bytes;
    }

    ContextRef context;
    CurrentContext current;
    Stream stream;

private:
    static void must(const Result<void>& result)
    {
        if (!result) {
            throw std::runtime_error(result.error().message);
        }
    }

    template <typename T>
    static T must(Result<T> result)
    {
        return tensor_ipc::testing::must(std::move(result));
    }
};

[[nodiscard]] inline bool is_all(const std::vector<unsigned char>& bytes, unsigned char value)
{
    return std::ranges::count(bytes, value) == static_cast<std::ptrdiff_t>(bytes.size());
}

/// Fails when a test leaves anything with the driver.
class CudaTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        static_cast<void>(the_driver());
        fake_cuda_reset();
        before_ = fake_cuda_live();
    }

    void TearDown() override
    {
        fake_cuda_hold(0);
        fake_cuda_drain();
        EXPECT_EQ(fake_cuda_live(), before_);
        EXPECT_EQ(fake_cuda_used_bytes(0), 0U);
    }

private:
    FakeCudaLive before_{};
};

}  // namespace tensor_ipc::cuda::testing

/// For failures: which of them is it.
inline void PrintTo(const FakeCudaLive& live, std::ostream* stream)
{
    *stream << "contexts " << live.contexts << ", pushed " << live.pushed << ", allocations "
            << live.allocations << ", opened " << live.opened << ", handles " << live.handles
            << ", reservations " << live.reservations << ", mappings " << live.mappings
            << ", registrations " << live.registrations << ", streams " << live.streams
            << ", events " << live.events;
}
