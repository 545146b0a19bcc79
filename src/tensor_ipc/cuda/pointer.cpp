#include "tensor_ipc/cuda/pointer.hpp"

namespace tensor_ipc::cuda {

Result<std::optional<PointerFacts>> facts_of(const Driver& driver, DevicePointer address)
{
    if (!driver.usable()) {
        return Driver::forked();
    }
    PointerFacts facts;
    const Called asked =
        driver.call.cuPointerGetAttribute(&facts.type, PointerAttribute::MemoryType, address);
    if (asked.status == Status::InvalidValue) {
        return std::optional<PointerFacts>{};
    }
    if (!asked.ok()) {
        return driver.error(asked);
    }
    if (const auto got = driver.check(driver.call.cuPointerGetAttribute(
            &facts.device_ordinal, PointerAttribute::DeviceOrdinal, address));
        !got) {
        return got.error();
    }
    return std::optional<PointerFacts>(facts);
}

}  // namespace tensor_ipc::cuda
