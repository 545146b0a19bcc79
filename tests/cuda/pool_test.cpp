/// A pool on a device, its producer and its consumer in one process: what is seen, and when.
#include "cuda_pool.hpp"
#include "two_processes.hpp"

namespace tensor_ipc::cuda {
namespace {

using namespace testing;

class CudaPool : public CudaPoolOfEachKind {};

TEST_P(CudaPool, ShowsAFrameThatWasPutFromTheDevice)
{
    auto producer = must(CudaProducer::create(device_metadata(name_), options_of(GetParam())));
    auto consumer = must(Consumer::attach(name_));
    DeviceArray array;

    array.fill(7);
    EXPECT_EQ(must(producer.put(array.source())), 0U);
    must_do(producer.synchronize());

    const FrameWindow frame = newest(consumer);
    EXPECT_TRUE(frame.on_device());
    EXPECT_FALSE(frame.copied());
    EXPECT_TRUE(frame.bytes().empty());
    EXPECT_EQ(frame.payload_bytes(), array.bytes());
    EXPECT_EQ(frame.info().index, 0U);
    EXPECT_EQ(value_on_device(frame), 7);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CudaPool, each_kind(), kind_name);

}  // namespace
}  // namespace tensor_ipc::cuda
