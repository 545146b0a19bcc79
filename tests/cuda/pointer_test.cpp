#include "tensor_ipc/cuda/pointer.hpp"

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using testing::Bench;
using testing::CudaTest;
using testing::must;
using testing::Settings;

class CudaPointer : public CudaTest {};

DevicePointer address_of(const void* data)
{
    return reinterpret_cast<DevicePointer>(data);
}

TEST_F(CudaPointer, IsOfTheDeviceThatItWasMadeOn)
{
    const Settings two({{"FAKE_CUDA_DEVICES", "2"}});
    const Bench bench(1);
    const auto memory = must(DeviceMemory::create(bench.context, MemoryKind::Ipc, 100));

    const auto facts = must(facts_of(bench.context->driver(), memory->address() + 64));

    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->type, MemoryType::Device);
    EXPECT_EQ(facts->device_ordinal, 1);
}

TEST_F(CudaPointer, IsNothingThatCudaKnowsWhenItIsOrdinaryMemory)
{
    const int ordinary = 0;

    EXPECT_FALSE(must(facts_of(testing::the_driver(), address_of(&ordinary))).has_value());
}

TEST_F(CudaPointer, IsOfTheHostWhenItIsRegistered)
{
    const Bench bench;
    std::vector<char> data(4096);
    const auto registration = must(HostRegistration::create(bench.context, data.data(), data.size(),
                                                            HostRegistration::Access::ReadWrite));

    const auto facts = must(facts_of(bench.context->driver(), address_of(data.data())));

    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->type, MemoryType::Host);
}

}  // namespace
}  // namespace tensor_ipc::cuda
