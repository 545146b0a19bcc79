/// Devices, their primary contexts, and the names of errors.
#include <cstdio>
#include <cstring>

#include "fake_cuda.hpp"
#include "process.hpp"

using namespace fake_cuda;

namespace {

struct Name {
    int status;
    const char* name;
    const char* meaning;
};

constexpr Name kNames[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {800, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"},
};

const Name* find_name(CUresult status)
{
    for (const Name& name : kNames) {
        if (name.status == static_cast<int>(status)) {
            return &name;
        }
    }
    return nullptr;
}

}  // namespace

extern "C" {

CUresult cuGetErrorName(CUresult status, const char** text)
{
    FAKE_CUDA_ENTER(Needs::Nothing);
    const Name* name = find_name(status);
    *text = name == nullptr ? nullptr : name->name;
    return name == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult status, const char** text)
{
    FAKE_CUDA_ENTER(Needs::Nothing);
    const Name* name = find_name(status);
    *text = name == nullptr ? nullptr : name->meaning;
    return name == nullptr ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    *count = static_cast<int>(process().settings.gpus.size());
    return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice* device, int ordinal)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    *device = ordinal;
    return is_device(ordinal) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (!is_device(device)) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    std::snprintf(name, static_cast<std::size_t>(length), "Stand-in GPU %d",
                  process().settings.gpus[static_cast<std::size_t>(device)]);
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (!is_device(device)) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    std::memcpy(uuid->bytes, "stand-in GPU   ", 15);
    uuid->bytes[15] =
        static_cast<char>('0' + process().settings.gpus[static_cast<std::size_t>(device)]);
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (!is_device(device)) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    const Settings& settings = process().settings;
    switch (static_cast<int>(attribute)) {
        case 99:
            *value = settings.can("hostreg");
            break;
        case 102:
        case 103:
            *value = settings.can("vmm");
            break;
        case 113:
            *value = settings.can("readonly-hostreg");
            break;
        default:
            return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (!is_device(device)) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    const std::lock_guard lock(process().mutex);
    Context& primary = process().contexts[device];
    ++primary.retains;
    *context = reinterpret_cast<CUcontext>(&primary);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    FAKE_CUDA_ENTER(Needs::Initialised);
    if (!is_device(device)) {
        return CUDA_ERROR_INVALID_DEVICE;
    }
    const std::lock_guard lock(process().mutex);
    Context& primary = process().contexts[device];
    if (primary.retains == 0) {
        return CUDA_ERROR_INVALID_CONTEXT;
    }
    --primary.retains;
    return CUDA_SUCCESS;
}
}
