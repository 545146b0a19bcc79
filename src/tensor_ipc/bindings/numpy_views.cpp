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

nb::object copy_of(const FrameWindow& window, nb::handle dtype, const ArrayRequest& request)
{
    const StridedLayout layout = layout_of_copy(window, request);
    nb::object array = checked(PyArray_NewFromDescr(
        &PyArray_Type, new_reference(dtype), static_cast<int>(layout.dimensions),
        layout.extents.data(), nullptr, nullptr, 0, nullptr));
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

nb::object writable_array(std::span<std::byte> bytes, const Shape& shape, nb::handle dtype,
                          nb::object owner)
{
    std::array<npy_intp, kMaxDimensions> extents{};
    std::ranges::copy(shape.extents(), extents.begin());
    nb::object array = checked(PyArray_NewFromDescr(
        &PyArray_Type, new_reference(dtype), static_cast<int>(shape.dimensions()), extents.data(),
        nullptr, bytes.data(), NPY_ARRAY_CARRAY, nullptr));
    if (PyArray_SetBaseObject(as_array(array), owner.release().ptr()) < 0) {
        throw nb::python_error();
    }
    return array;
}

}  // namespace tensor_ipc::bindings
