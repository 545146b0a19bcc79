#include "tensor_ipc/cuda/device.hpp"

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using testing::CudaTest;
using testing::must;
using testing::Settings;
using testing::the_driver;

class CudaDevice : public CudaTest {};

TEST_F(CudaDevice, HasNumberNameAndUuid)
{
    const Settings two({{"FAKE_CUDA_DEVICES", "2"}});

    const auto devices = must(visible_devices(the_driver()));

    ASSERT_EQ(devices.size(), 2U);
    EXPECT_EQ(devices[1].ordinal, 1);
    EXPECT_EQ(devices[1].name, "Stand-in GPU 1");
    EXPECT_EQ(to_string(devices[1].uuid), "GPU-7374616e-642d-696e-2047-505520202031");
    EXPECT_NE(devices[0].uuid, devices[1].uuid);
}

TEST_F(CudaDevice, IsFoundByUuidUnderWhateverNumberThisProcessHasForIt)
{
    const Settings two({{"FAKE_CUDA_DEVICES", "2"}});
    const DeviceUuid second = must(device_at(the_driver(), 1)).uuid;
    const Settings turned({{"CUDA_VISIBLE_DEVICES", "1,0"}});

    const Device found = must(find_device(the_driver(), second));

    EXPECT_EQ(found.ordinal, 0);
    EXPECT_EQ(found.name, "Stand-in GPU 1");
}

TEST_F(CudaDevice, IsUnavailableWhenThisProcessDoesNotSeeIt)
{
    const Settings two({{"FAKE_CUDA_DEVICES", "2"}});
    const DeviceUuid second = must(device_at(the_driver(), 1)).uuid;
    const Settings first_only({{"CUDA_VISIBLE_DEVICES", "0"}});

    const auto found = find_device(the_driver(), second);

    ASSERT_FALSE(found.ok());
    EXPECT_EQ(found.error().code, ErrorCode::CudaUnavailable);
    EXPECT_EQ(
        found.error().message,
        "the memory lies on GPU-7374616e-642d-696e-2047-505520202031, which this process does "
        "not see; it sees GPU-7374616e-642d-696e-2047-505520202030 (CUDA_VISIBLE_DEVICES is "
        "'0'). Let it see that GPU; the numbers of GPUs may differ between processes");
}

TEST_F(CudaDevice, IsUnavailableWhenThereIsNoneOfThatNumber)
{
    for (const int ordinal : {-1, 1}) {
        const auto found = device_at(the_driver(), ordinal);

        ASSERT_FALSE(found.ok());
        EXPECT_EQ(found.error().code, ErrorCode::CudaUnavailable);
        EXPECT_NE(found.error().message.find("this process sees 1 GPUs"), std::string::npos);
    }
}

TEST_F(CudaDevice, SaysWhatItHas)
{
    const Settings without({{"FAKE_CUDA_WITHOUT", "vmm"}});
    const Device device = must(device_at(the_driver(), 0));

    EXPECT_FALSE(must(has(the_driver(), device, DeviceAttribute::VirtualMemorySupported)));
    EXPECT_TRUE(must(has(the_driver(), device, DeviceAttribute::HostRegisterSupported)));
}

}  // namespace
}  // namespace tensor_ipc::cuda
