#include "tensor_ipc/cuda/driver.hpp"

#include <regex>

#include "cuda_test.hpp"

namespace tensor_ipc::cuda {
namespace {

using testing::CudaTest;
using testing::Settings;

class CudaDriver : public CudaTest {
protected:
    /// The refusal to load `library`; fails the test when it is loaded.
    static Error refusal(const std::string& library)
    {
        const auto driver = Driver::load(library);
        EXPECT_FALSE(driver.ok());
        return driver.ok() ? Error{} : driver.error();
    }
};

bool says(const Error& error, const std::string& expression)
{
    return std::regex_search(error.message, std::regex(expression));
}

TEST_F(CudaDriver, IsTheOneOfTheEnvironmentVariable)
{
    const Driver& driver = testing::the_driver();

    EXPECT_EQ(driver.version(), 13000);
    EXPECT_TRUE(driver.usable());
    EXPECT_EQ(testing::must(Driver::get()), &driver);
}

TEST_F(CudaDriver, IsUnavailableWhenThereIsNoLibrary)
{
    const Error error = refusal("/nowhere/libcuda.so.1");

    EXPECT_EQ(error.code, ErrorCode::CudaUnavailable);
    EXPECT_TRUE(says(error, "no CUDA driver.*'/nowhere/libcuda.so.1'.*NVIDIA driver"))
        << error.message;
    EXPECT_TRUE(says(error, "TENSOR_IPC_CUDA_DRIVER")) << error.message;
}

TEST_F(CudaDriver, IsUnavailableWhenTheLibraryIsSomethingElse)
{
    const Error error = refusal("libm.so.6");

    EXPECT_EQ(error.code, ErrorCode::CudaUnavailable);
    EXPECT_TRUE(says(error, "libm.so.6 is no CUDA driver")) << error.message;
}

TEST_F(CudaDriver, IsUnavailableWhenItIsTheStub)
{
    fake_cuda_fail("cuInit", 1, 34);

    const Error error = refusal(FAKE_CUDA_LIBRARY);

    EXPECT_EQ(error.code, ErrorCode::CudaUnavailable);
    EXPECT_TRUE(
        says(error, "cuInit: CUDA_ERROR_STUB_LIBRARY \\(34, .*toolkit's stub.*not a driver"))
        << error.message;
}

TEST_F(CudaDriver, IsUnavailableWhenItIsTheToolkitsOwnStub)
{
#ifdef CUDA_STUB_LIBRARY
    const Error error = refusal(CUDA_STUB_LIBRARY);

    EXPECT_EQ(error.code, ErrorCode::CudaUnavailable);
    EXPECT_TRUE(says(error, "34.*toolkit's stub")) << error.message;
#else
    GTEST_SKIP() << "there is no CUDA toolkit here";
#endif
}

TEST_F(CudaDriver, IsUnavailableWhenItIsTooOldNamingBothVersions)
{
    const Settings old({{"FAKE_CUDA_VERSION", "10020"}});

    const Error error = refusal(FAKE_CUDA_LIBRARY);

    EXPECT_EQ(error.code, ErrorCode::CudaUnavailable);
    EXPECT_TRUE(says(error, "too old: found CUDA 10\\.2, needed 11\\.4")) << error.message;
}

TEST_F(CudaDriver, IsUnavailableWhenThereIsNoDevice)
{
    const Settings none({{"CUDA_VISIBLE_DEVICES", ""}});

    const Error error = refusal(FAKE_CUDA_LIBRARY);

    EXPECT_EQ(error.code, ErrorCode::CudaUnavailable);
    EXPECT_TRUE(says(error, "cuInit: CUDA_ERROR_NO_DEVICE \\(100, .*CUDA_VISIBLE_DEVICES"))
        << error.message;
}

TEST_F(CudaDriver, SaysWhatWasCalledWhatCameBackAndWhatToDo)
{
    const Driver& driver = testing::the_driver();

    const Error error = driver.error({"cuMemAlloc_v2", Status::OutOfMemory});

    EXPECT_EQ(error.code, ErrorCode::CudaOutOfMemory);
    EXPECT_EQ(error.message,
              "cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY (2, out of memory): free memory on the GPU "
              "(nvidia-smi shows who has it) or make the pool smaller");
}

TEST_F(CudaDriver, ShowsTheNumberOfAStatusThatHasNoName)
{
    const Driver& driver = testing::the_driver();

    const Error error = driver.error({"cuMemAlloc_v2", static_cast<Status>(4711)});

    EXPECT_EQ(error.code, ErrorCode::CudaFailed);
    EXPECT_EQ(error.message, "cuMemAlloc_v2: CUDA error (4711)");
}

TEST_F(CudaDriver, ShowsTheNumberWhenTheDriverCannotNameIt)
{
    const Driver& driver = testing::the_driver();
    for (const char* name : {"cuGetErrorName", "cuGetErrorString"}) {
        fake_cuda_fail(name, 1, 999);

        const Error error = driver.error({"cuMemFree_v2", Status::InvalidValue});

        EXPECT_EQ(error.message, "cuMemFree_v2: CUDA error (1)") << name;
    }
}

TEST_F(CudaDriver, SurfacesItsRefusalToTellItsVersion)
{
    fake_cuda_fail("cuDriverGetVersion", 1, 802);

    const Error error = refusal(FAKE_CUDA_LIBRARY);

    EXPECT_EQ(error.code, ErrorCode::CudaUnavailable);
    EXPECT_TRUE(says(error, "cuDriverGetVersion: .*802.*fabricmanager")) << error.message;
}

struct Meaning {
    const char* entry_point;
    Status status;
    ErrorCode code;
    const char* advice;
};

/// The table of what sharing device memory runs into.
constexpr Meaning kMeanings[] = {
    {"cuIpcOpenMemHandle_v2", Status::InvalidContext, ErrorCode::CudaUnsupported,
     "PID \\*values\\* are equal.*--pid=host.*'vmm'"},
    {"cuIpcOpenMemHandle_v2", Status::InvalidHandle, ErrorCode::PoolNotFound, "ended or has freed"},
    {"cuIpcOpenMemHandle_v2", Status::MapFailed, ErrorCode::PoolNotFound, "ended, or has freed"},
    {"cuIpcOpenMemHandle_v2", Status::InvalidValue, ErrorCode::CudaUnsupported, "Orin.*'vmm'"},
    {"cuIpcOpenMemHandle_v2", Status::NotSupported, ErrorCode::CudaUnsupported, "MIG.*WSL2.*'vmm'"},
    {"cuIpcGetMemHandle", Status::OutOfMemory, ErrorCode::CudaUnsupported, "MIG.*WSL2.*'vmm'"},
    {"cuIpcGetMemHandle", Status::InvalidValue, ErrorCode::CudaUnsupported, "Jetson.*'vmm'"},
    {"cuIpcGetMemHandle", Status::NotSupported, ErrorCode::CudaUnsupported, "MIG.*WSL2.*'vmm'"},
    {"cuMemCreate", Status::NotSupported, ErrorCode::CudaUnsupported, "'ipc' may work"},
    {"cuMemCreate", Status::OutOfMemory, ErrorCode::CudaOutOfMemory, "make the pool smaller"},
    {"cuMemImportFromShareableHandle", Status::InvalidValue, ErrorCode::CudaFailed,
     "not one of this driver's memory"},
    {"cuMemHostRegister_v2", Status::OutOfMemory, ErrorCode::CudaFailed, "ulimit -l"},
    {"cuMemHostRegister_v2", Status::NotSupported, ErrorCode::CudaUnsupported, "works unpinned"},
    {"cuMemcpyDtoDAsync_v2", Status::IllegalAddress, ErrorCode::CudaFailed, "outside its memory"},
    {"cuMemcpyDtoDAsync_v2", Status::Deinitialized, ErrorCode::CudaUnavailable, "is ending"},
    {"cuMemAlloc_v2", Status::NotInitialized, ErrorCode::CudaUnavailable, "fork.*spawn"},
    {"cuInit", Status::SystemDriverMismatch, ErrorCode::CudaUnavailable, "reboot"},
    {"cuInit", Status::CompatNotSupportedOnDevice, ErrorCode::CudaUnavailable, "LD_LIBRARY_PATH"},
    {"cuInit", Status::CallRequiresNewerDriver, ErrorCode::CudaUnavailable, "newer NVIDIA driver"},
    {"cuInit", Status::Unknown, ErrorCode::CudaUnavailable, "kernel modules"},
    {"cuDevicePrimaryCtxRetain", Status::DeviceUnavailable, ErrorCode::CudaUnavailable,
     "compute mode"},
    {"cuMemSetAccess", Status::PeerAccessUnsupported, ErrorCode::CudaUnsupported, "each other's"},
    {"cuStreamSynchronize", Status::StreamCaptureUnsupported, ErrorCode::CudaFailed, "graph"},
};

TEST_F(CudaDriver, TellsWhatARefusalMeans)
{
    const Driver& driver = testing::the_driver();
    for (const Meaning& meaning : kMeanings) {
        const Error error = driver.error({meaning.entry_point, meaning.status});

        EXPECT_EQ(error.code, meaning.code) << error.message;
        EXPECT_TRUE(error.message.starts_with(std::string(meaning.entry_point) + ": "));
        EXPECT_TRUE(says(error, meaning.advice)) << error.message;
    }
}

}  // namespace
}  // namespace tensor_ipc::cuda
