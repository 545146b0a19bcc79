#include "tensor_ipc/bindings/foreign_memory.hpp"

#include <algorithm>

namespace tensor_ipc::bindings {

namespace {

void require_few_dimensions(std::size_t dimensions)
{
    if (!Shape::fits(dimensions)) {
        raise(Error{ErrorCode::InvalidArgument,
                    "a frame has at most " + std::to_string(kMaxDimensions) + " dimensions, got " +
                        std::to_string(dimensions)});
    }
}

std::string dtype_text(DType dtype)
{
    const std::string_view name = dtype_name(dtype);
    return !name.empty()
               ? std::string(name)
               : "(DLPack code " + std::to_string(dtype.code) + ", " + std::to_string(dtype.bits) +
                     " bits, " + std::to_string(dtype.lanes) + " lanes)";
}

}  // namespace

ForeignMemory::ForeignMemory(const dlpack::DLTensor& tensor)
    : data(static_cast<const std::byte*>(tensor.data) + tensor.byte_offset),
      dtype{tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes},
      device_type(tensor.device.device_type),
      device_id(tensor.device.device_id)
{
    require_few_dimensions(static_cast<std::size_t>(std::max(tensor.ndim, 0)));
    layout.dimensions = static_cast<std::uint32_t>(std::max(tensor.ndim, 0));
    std::int64_t c_order = dtype.item_bytes();
    for (std::size_t i = layout.dimensions; i-- > 0;) {
        layout.extents[i] = tensor.shape[i];
        layout.strides[i] =
            tensor.strides == nullptr ? c_order : tensor.strides[i] * dtype.item_bytes();
        c_order *= tensor.shape[i];
    }
}

ForeignMemory::ForeignMemory(std::uintptr_t address, const std::string& dtype_text,
                             const std::vector<std::int64_t>& extents,
                             const std::vector<std::int64_t>& strides)
    : data(reinterpret_cast<const std::byte*>(address)),  // NOLINT(performance-no-int-to-ptr)
      dtype(dtype_from_name(dtype_text).value_or(DType{}))
{
    require_few_dimensions(extents.size());
    layout.dimensions = static_cast<std::uint32_t>(extents.size());
    std::ranges::copy(extents, layout.extents.begin());
    std::ranges::copy(strides, layout.strides.begin());
}

bool ForeignMemory::is_on_host() const noexcept
{
    return device_type == dlpack::kDLCPU || device_type == dlpack::kDLCUDAHost ||
           device_type == dlpack::kDLROCMHost;
}

bool ForeignMemory::is_on_cuda() const noexcept
{
    return device_type == dlpack::kDLCUDA || device_type == dlpack::kDLCUDAManaged;
}

std::string ForeignMemory::shape_text() const
{
    return Shape(std::span(layout.extents).first(layout.dimensions)).text();
}

std::string ForeignMemory::device_text() const
{
    if (is_on_host()) {
        return "cpu";
    }
    if (is_on_cuda()) {
        return "cuda:" + std::to_string(device_id);
    }
    return "a device (DLPack type " + std::to_string(device_type) + ", id " +
           std::to_string(device_id) + ")";
}

bool takes_shape(const PoolMetadata& pool, std::span<const std::int64_t> extents)
{
    const auto wanted = pool.shape.extents();
    if (!pool.varying_extent) {
        return std::ranges::equal(wanted, extents);
    }
    return extents.size() == wanted.size() && extents[0] >= 0 && extents[0] <= wanted[0] &&
           std::ranges::equal(wanted.subspan(1), extents.subspan(1));
}

void require_match(const ForeignMemory& found, const PoolMetadata& expected,
                   const std::string& kind)
{
    if (!found.is_on_host()) {
        refuse(PyExc_TypeError, "pool '" + expected.name + "' lies on " + expected.device +
                                    ", got a " + kind + " on " + found.device_text() +
                                    ": move it there first");
    }
    require_elements(found, expected);
}

void require_elements(const ForeignMemory& found, const PoolMetadata& expected)
{
    const std::string pool = "pool '" + expected.name + "'";
    if (found.dtype != expected.dtype) {
        refuse(PyExc_TypeError, pool + " holds dtype " + dtype_text(expected.dtype) + ", got " +
                                    dtype_text(found.dtype) + ": convert it if that is meant");
    }
    if (!takes_shape(expected, std::span(found.layout.extents).first(found.layout.dimensions))) {
        refuse(PyExc_ValueError, pool + " holds frames of shape " + frame_shape_text(expected) +
                                     ", got " + found.shape_text());
    }
}

}  // namespace tensor_ipc::bindings
