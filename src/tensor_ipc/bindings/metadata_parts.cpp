/// Metadata as Python sees it, in both modules.
#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

DType dtype_of(const std::string& name)
{
    const auto dtype = dtype_from_name(name);
    if (!dtype) {
        refuse(PyExc_TypeError, "dtype '" + name + "' cannot be shared");
    }
    return *dtype;
}

PoolMetadata metadata_of(std::string name, const std::vector<std::int64_t>& shape,
                         const std::string& dtype_text, std::uint32_t history_len,
                         std::string backend, std::string device, bool varying_extent)
{
    if (!Shape::fits(shape.size())) {
        raise(Error{ErrorCode::InvalidArgument,
                    "a frame has at most " + std::to_string(kMaxDimensions) + " dimensions, got " +
                        std::to_string(shape.size())});
    }
    PoolMetadata metadata;
    metadata.name = std::move(name);
    metadata.shape = Shape(shape);
    metadata.dtype = dtype_of(dtype_text);
    metadata.history_len = history_len;
    metadata.backend = std::move(backend);
    metadata.device = std::move(device);
    metadata.varying_extent = varying_extent;
    return metadata;
}

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
