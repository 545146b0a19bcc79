#include "tensor_ipc/bindings/numpy_views.hpp"

#define TENSOR_IPC_LOADS_NUMPY
#include "tensor_ipc/bindings/numpy_object.hpp"

namespace tensor_ipc::bindings {

namespace {

constexpr const char* kCapsule = "tensor_ipc.frame_window";

/// An array over memory that `Owner`, kept in a capsule, keeps.
template <typename Owner>
nb::object view_over(const dlpack::TensorMemory& memory, nb::handle dtype, Owner owner)
{
    auto* kept = new Owner(std::move(owner));  // NOLINT(*-owning-memory)
    PyObject* base = PyCapsule_New(kept, kCapsule, [](PyObject* capsule) {
        delete static_cast<Owner*>(  // NOLINT(*-owning-memory)
            PyCapsule_GetPointer(capsule, kCapsule));
    });
    if (base == nullptr) {
        delete kept;  // NOLINT(*-owning-memory)
        throw nb::python_error();
    }
    const nb::object holder = nb::steal(base);
    nb::object array = checked(PyArray_NewFromDescr(
        &PyArray_Type, new_reference(dtype), static_cast<int>(memory.layout.dimensions),
        memory.layout.extents.data(), memory.layout.strides.data(), memory.data, 0, nullptr));
    Py_INCREF(base);
    if (PyArray_SetBaseObject(as_array(array), base) < 0) {
        throw nb::python_error();
    }
    return array;
}

nb::object new_array(const StridedLayout& layout, nb::handle dtype)
{
    return checked(PyArray_NewFromDescr(&PyArray_Type, new_reference(dtype),
                                        static_cast<int>(layout.dimensions), layout.extents.data(),
                                        nullptr, nullptr, 0, nullptr));
}

nb::object copy_of(const FrameWindow& window, nb::handle dtype, const ArrayRequest& request)
{
    nb::object array = new_array(layout_of_copy(window, request), dtype);
    copy_frames(window, request, static_cast<std::byte*>(PyArray_DATA(as_array(array))));
    return array;
}

}  // namespace

bool import_numpy()
{
    return _import_array() >= 0;
}

nb::object numpy_dtype(DType dtype)
{
    const nb::object convert = nb::module_::import_("tensor_ipc.core.dtypes").attr("numpy_dtype");
    return convert(std::string(dtype_name(dtype)));
}

nb::object array_of(FrameWindow window, nb::handle dtype, const ArrayRequest& request)
{
    if (request.wants_copy(window)) {
        return copy_of(window, dtype, request);
    }
    const auto axis = request.frames > 1 ? dlpack::FrameAxis::First : dlpack::FrameAxis::None;
    const dlpack::TensorMemory memory = dlpack::memory_of(window, {axis, request.latest_first});
    return view_over(memory, dtype, std::move(window));
}

nb::object array_over(std::shared_ptr<const FrameWindow> window, nb::handle dtype,
                      dlpack::FrameOrder order)
{
    const dlpack::TensorMemory memory = dlpack::memory_of(*window, order);
    return view_over(memory, dtype, std::move(window));
}

nb::object array_copy(const FrameWindow& window, nb::handle dtype, dlpack::FrameOrder order)
{
    return copy_of(window, dtype, request_of(window, order));
}

nb::object frame_over(std::shared_ptr<const FrameWindow> window, std::uint32_t age,
                      nb::handle dtype)
{
    const dlpack::TensorMemory memory = dlpack::memory_of_frame(*window, age);
    return view_over(memory, dtype, std::move(window));
}

nb::object array_from(const StridedLayout& layout, nb::handle dtype,
                      std::span<const std::byte> bytes)
{
    nb::object array = new_array(layout, dtype);
    copy_bytes(bytes, static_cast<std::byte*>(PyArray_DATA(as_array(array))));
    return array;
}

void make_read_only(nb::handle array)
{
    if (PyArray_Check(array.ptr())) {
        PyArray_CLEARFLAGS(reinterpret_cast<PyArrayObject*>(array.ptr()), NPY_ARRAY_WRITEABLE);
    }
}

nb::object writable_array(const Loan& loan, const PoolMetadata& metadata, nb::handle dtype,
                          nb::object owner)
{
    const StridedLayout layout = frame_layout(metadata, loan.extent());
    nb::object array = checked(PyArray_NewFromDescr(
        &PyArray_Type, new_reference(dtype), static_cast<int>(layout.dimensions),
        layout.extents.data(), nullptr, loan.bytes().data(), NPY_ARRAY_CARRAY, nullptr));
    if (PyArray_SetBaseObject(as_array(array), owner.release().ptr()) < 0) {
        throw nb::python_error();
    }
    return array;
}

}  // namespace tensor_ipc::bindings
