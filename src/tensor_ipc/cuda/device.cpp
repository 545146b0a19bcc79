#include "tensor_ipc/cuda/device.hpp"

#include <cstring>
#include <string_view>

#include "tensor_ipc/os/dynamic_library.hpp"

namespace tensor_ipc::cuda {

namespace {

constexpr int kLongestName = 256;

Result<int> count_devices(const Driver& driver)
{
    if (!driver.usable()) {
        return Driver::forked();
    }
    int count = 0;
    if (const auto asked = driver.check(driver.call.cuDeviceGetCount(&count)); !asked) {
        return asked.error();
    }
    return count;
}

Result<Device> describe(const Driver& driver, int ordinal)
{
    Device device;
    device.ordinal = ordinal;
    if (const auto got = driver.check(driver.call.cuDeviceGet(&device.handle, ordinal)); !got) {
        return got.error();
    }
    Uuid uuid{};
    if (const auto got = driver.check(driver.call.cuDeviceGetUuid_v2(&uuid, device.handle)); !got) {
        return got.error();
    }
    static_assert(sizeof uuid == sizeof device.uuid);
    std::memcpy(device.uuid.bytes.data(), &uuid, sizeof uuid);
    std::array<char, kLongestName> name{};
    if (const auto got =
            driver.check(driver.call.cuDeviceGetName(name.data(), kLongestName - 1, device.handle));
        !got) {
        return got.error();
    }
    device.name = name.data();
    return device;
}

}  // namespace

std::string to_string(const DeviceUuid& uuid)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text = "GPU-";
    for (const std::uint8_t byte : uuid.bytes) {
        text.push_back(kDigits[byte / 16U]);
        text.push_back(kDigits[byte % 16U]);
        // The dashes come after 4, 6, 8 and 10 bytes.
        if (text.size() == 12 || text.size() == 17 || text.size() == 22 || text.size() == 27) {
            text.push_back('-');
        }
    }
    return text;
}

Result<std::vector<Device>> visible_devices(const Driver& driver)
{
    const auto count = count_devices(driver);
    if (!count) {
        return count.error();
    }
    std::vector<Device> devices;
    for (int ordinal = 0; ordinal < *count; ++ordinal) {
        auto device = describe(driver, ordinal);
        if (!device) {
            return device.error();
        }
        devices.push_back(std::move(device).value());
    }
    return devices;
}

Result<Device> device_at(const Driver& driver, int ordinal)
{
    const auto count = count_devices(driver);
    if (!count) {
        return count.error();
    }
    if (ordinal < 0 || ordinal >= *count) {
        return Error{ErrorCode::CudaUnavailable,
                     "there is no device cuda:" + std::to_string(ordinal) + ": this process sees " +
                         std::to_string(*count) +
                         " GPUs, numbered from 0; look at CUDA_VISIBLE_DEVICES"};
    }
    return describe(driver, ordinal);
}

Result<Device> find_device(const Driver& driver, const DeviceUuid& uuid)
{
    auto devices = visible_devices(driver);
    if (!devices) {
        return devices.error();
    }
    std::string seen;
    for (Device& device : devices.value()) {
        if (device.uuid == uuid) {
            return std::move(device);
        }
        seen.append(seen.empty() ? "" : ", ").append(to_string(device.uuid));
    }
    const auto visible = os::environment("CUDA_VISIBLE_DEVICES");
    return Error{ErrorCode::CudaUnavailable,
                 "the memory lies on " + to_string(uuid) +
                     ", which this process does not see; it sees " +
                     (seen.empty() ? "none" : seen) + " (CUDA_VISIBLE_DEVICES is " +
                     (visible ? "'" + printable(*visible) + "'" : "not set") +
                     "). Let it see that GPU; the numbers of GPUs may differ between processes"};
}

Result<bool> has(const Driver& driver, const Device& device, DeviceAttribute attribute)
{
    int value = 0;
    if (const auto asked =
            driver.check(driver.call.cuDeviceGetAttribute(&value, attribute, device.handle));
        !asked) {
        return asked.error();
    }
    return value != 0;
}

}  // namespace tensor_ipc::cuda
