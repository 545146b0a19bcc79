/// bindings/ shows pool/ to Python (nanobind) and frames as arrays: NumPy's (its C API), torch's
/// and everybody else's (DLPack). It converts and holds the GIL where the core wants one thread at
/// a time; it has no logic of its own. It may include base/, tensor/, os/, cuda/, pool/ and
/// dlpack/.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "tensor_ipc/pool/pool.hpp"

namespace tensor_ipc::bindings {

namespace nb = nanobind;

/// Name of a capsule with a `std::shared_ptr<News>*`: how one of our modules wakes the consumers of
/// another.
inline constexpr const char* kNewsCapsule = "tensor_ipc.News";

/// Throws the exception class of tensor_ipc.errors that belongs to the error's code.
[[noreturn]] void raise(const Error& error);

/// Throws a Python exception of that class.
[[noreturn]] void refuse(PyObject* type, const std::string& message);

/// The value, or the exception.
template <typename T>
T unwrap(Result<T> result)
{
    if (!result) {
        raise(result.error());
    }
    return std::move(result).value();
}

inline void unwrap(const Result<void>& result)
{
    if (!result) {
        raise(result.error());
    }
}

/// The type of that name; raises TypeError when there is none.
DType dtype_of(const std::string& name);

/// Metadata from its Python parts; raises for an unknown dtype or an impossible shape.
PoolMetadata metadata_of(std::string name, const std::vector<std::int64_t>& shape,
                         const std::string& dtype_name, std::uint32_t history_len,
                         std::string backend, std::string device, bool varying_extent);

/// `(name, shape, dtype_name, history_len, backend, device, varying_extent)`.
nb::tuple parts_of(const PoolMetadata& metadata);

/// A shape as a tuple of ints.
nb::tuple shape_of(const Shape& shape);

void add_consumer(nb::module_& module);
void add_cuda_producer(nb::module_& module);
void add_device_arrays(nb::module_& module);
void add_frames(nb::module_& module);
void add_pool_facts(nb::module_& module);
void add_producer(nb::module_& module);
void add_reading_by_time(nb::module_& module);

}  // namespace tensor_ipc::bindings
