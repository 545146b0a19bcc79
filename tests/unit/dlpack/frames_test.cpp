/// Frames in the structures of DLPack: what they say, and when they let go.
#include "support/pool_test.hpp"
#include "tensor_ipc/dlpack/dlpack.hpp"

namespace tensor_ipc::dlpack {
namespace {

using testing::metadata_of;
using testing::must;
using testing::present;
using testing::put;

class DlpackFrames : public testing::PoolTest {
protected:
    void TearDown() override
    {
        producer_.close();
        PoolTest::TearDown();
    }

    void SetUp() override
    {
        for (int value = 1; value < 6; ++value) {
            put(producer_, value);
        }
    }

    std::shared_ptr<const FrameWindow> window(std::uint32_t count)
    {
        return std::make_shared<const FrameWindow>(present(consumer_.history(count)));
    }

    [[nodiscard]] std::uint32_t pinned() const
    {
        return must(inspect(name_)).consumers.front().pinned_slots;
    }

    PoolMetadata metadata_ = metadata_of(name_);
    Producer producer_ = must(Producer::create(metadata_));
    Consumer consumer_ = must(Consumer::attach(name_));
};

TEST_F(DlpackFrames, DescribeOneFrame)
{
    auto frame = window(1);
    DLManagedTensorVersioned* tensor = make_versioned(memory_of(*frame, {}), frame, kReadOnly);

    const DLTensor& described = tensor->dl_tensor;
    EXPECT_EQ(tensor->version.major, 1U);
    EXPECT_EQ(tensor->flags, kReadOnly);
    EXPECT_EQ(described.data, frame->bytes().data());
    EXPECT_EQ(described.device.device_type, kDLCPU);
    EXPECT_EQ(described.ndim, 2);
    EXPECT_EQ(described.dtype.code, 0);
    EXPECT_EQ(described.dtype.bits, 32);
    EXPECT_EQ(described.dtype.lanes, 1);
    EXPECT_EQ(described.shape[0], 2);
    EXPECT_EQ(described.shape[1], 3);
    EXPECT_EQ(described.strides[0], 3);
    EXPECT_EQ(described.strides[1], 1);
    EXPECT_EQ(described.byte_offset, 0U);
    tensor->deleter(tensor);
}

TEST_F(DlpackFrames, DescribeAWindowAsOneStridedTensor)
{
    auto frames = window(3);
    DLManagedTensor* tensor =
        make_unversioned(memory_of(*frames, {FrameAxis::First, true}), frames);

    const DLTensor& described = tensor->dl_tensor;
    ASSERT_EQ(described.ndim, 3);
    EXPECT_EQ(described.shape[0], 3);
    EXPECT_EQ(described.strides[0],
              static_cast<std::int64_t>(frames->stride_bytes() / sizeof(std::int32_t)));
    const auto* elements = static_cast<const std::int32_t*>(described.data);
    for (int age = 0; age < 3; ++age) {
        EXPECT_EQ(elements[age * described.strides[0]], 5 - age);
    }
    tensor->deleter(tensor);
}

TEST_F(DlpackFrames, GoBackwardsThroughMemoryWhereThatIsTheOrder)
{
    auto frames = window(3);
    const FrameOrder oldest_first{FrameAxis::First, false};
    ASSERT_FALSE(is_order_in_memory(*frames, oldest_first));
    DLManagedTensorVersioned* tensor =
        make_versioned(memory_of(*frames, oldest_first), frames, kReadOnly);

    const DLTensor& described = tensor->dl_tensor;
    EXPECT_LT(described.strides[0], 0);
    const auto* elements = static_cast<const std::int32_t*>(described.data);
    for (int place = 0; place < 3; ++place) {
        EXPECT_EQ(elements[place * described.strides[0]], 3 + place);
    }
    tensor->deleter(tensor);
}

TEST_F(DlpackFrames, HoldTheFrameUntilTheDeleterIsCalled)
{
    auto frame = window(1);
    const TensorMemory memory = memory_of(*frame, {});
    DLManagedTensorVersioned* tensor = make_versioned(memory, std::move(frame), 0);
    EXPECT_EQ(pinned(), 1U);

    tensor->deleter(tensor);

    EXPECT_EQ(pinned(), 0U);
}

TEST_F(DlpackFrames, MayBeWrittenToThroughAPrivateWindow)
{
    PrivateWindow frame = must(PrivateWindow::over(window(1)));
    const TensorMemory memory = memory_of(frame, {});
    DLManagedTensorVersioned* tensor = make_versioned(memory, std::move(frame), 0);
    auto* elements = static_cast<std::int32_t*>(tensor->dl_tensor.data);
    ASSERT_EQ(elements[0], 5);

    elements[0] = 99;
    EXPECT_EQ(testing::value_of(present(consumer_.latest())), 5);
    tensor->deleter(tensor);

    EXPECT_EQ(pinned(), 0U);
    EXPECT_EQ(testing::value_of(must(PrivateWindow::over(window(1))).bytes()), 5);
}

}  // namespace
}  // namespace tensor_ipc::dlpack
