/// Metadata as Python sees it, in both modules.
#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

nb::tuple shape_of(const Shape& shape)
{
    nb::list extents;
    for (const std::int64_t extent : shape.extents()) {
        extents.append(extent);
    }
    return nb::tuple(extents);
}

nb::tuple parts_of(const PoolMetadata& metadata)
{
    return nb::make_tuple(metadata.name, shape_of(metadata.shape),
                          std::string(dtype_name(metadata.dtype)), metadata.history_len,
                          metadata.backend, metadata.device, metadata.varying_extent);
}

}  // namespace tensor_ipc::bindings
