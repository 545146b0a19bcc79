#include "tensor_ipc/bindings/numpy_views.hpp"

#include <array>
#include <cstring>
#include <numpy/arrayobject.h>

namespace tensor_ipc::bindings {

namespace {

// Below this a copy takes less time than letting go of the GIL and getting it back.
constexpr std::size_t kBytesWorthTheGil = 32 * 1024;

constexpr const char* kWindowCapsule = "tensor_ipc.frame_window";

PyArray_Descr* new_reference(nb::handle dtype)
{
    Py_INCREF(dtype.ptr());
    return reinterpret_cast<PyArray_Descr*>(dtype.ptr());
}

PyArrayObject* as_array(const nb::object& array)
{
    return reinterpret_cast<PyArrayObject*>(array.ptr());
}

nb::object checked(PyObject* object)
{
    if (object == nullptr) {
        throw nb::python_error();
    }
    return nb::steal(object);
}

/// Extents and byte strides of `frames` frames (none: of one frame without a frame axis).
struct Layout {
    std::array<npy_intp, kMaxDimensions + 1> extents{};
    std::array<npy_intp, kMaxDimensions + 1> strides{};
    int dimensions = 0;
};

Layout layout_of(const PoolMetadata& metadata, bool with_frames, std::uint32_t frames,
                 std::int64_t frame_stride)
{
    Layout layout;
    const auto shape = metadata.shape.extents();
    const std::size_t first = with_frames ? 1 : 0;
    layout.dimensions = static_cast<int>(shape.size() + first);
    npy_intp stride = metadata.dtype.item_bytes();
    for (std::size_t i = shape.size(); i-- > 0;) {
        layout.extents[i + first] = shape[i];
        layout.strides[i + first] = stride;
        stride *= shape[i];
    }
    if (with_frames) {
        layout.extents[0] = frames;
        layout.strides[0] = frame_stride;
    }
    return layout;
}

void drop_window(PyObject* capsule)
{
    delete static_cast<FrameWindow*>(  // NOLINT(*-owning-memory)
        PyCapsule_GetPointer(capsule, kWindowCapsule));
}

nb::object view_of(FrameWindow window, nb::handle dtype, const ArrayRequest& request)
{
    const bool upwards = window.newest_first() == request.latest_first;
    const std::uint32_t first_age = request.latest_first ? 0 : window.count() - 1;
    const auto stride = static_cast<std::int64_t>(window.stride_bytes());
    Layout layout = layout_of(window.metadata(), request.frames > 1, window.count(),
                              upwards ? stride : -stride);
    auto* first = const_cast<std::byte*>(window.bytes(first_age).data());
    auto* owned = new FrameWindow(std::move(window));  // NOLINT(*-owning-memory)
    PyObject* base = PyCapsule_New(owned, kWindowCapsule, drop_window);
    if (base == nullptr) {
        delete owned;  // NOLINT(*-owning-memory)
        throw nb::python_error();
    }
    const nb::object holder = nb::steal(base);
    nb::object array = checked(PyArray_NewFromDescr(&PyArray_Type, new_reference(dtype),
                                                    layout.dimensions, layout.extents.data(),
                                                    layout.strides.data(), first, 0, nullptr));
    Py_INCREF(base);
    if (PyArray_SetBaseObject(as_array(array), base) < 0) {
        throw nb::python_error();
    }
    return array;
}

nb::object copy_of(const FrameWindow& window, nb::handle dtype, const ArrayRequest& request)
{
    const std::uint32_t frames = request.padding == Padding::None ? window.count() : request.frames;
    const std::size_t frame_bytes = window.bytes().size();
    Layout layout = layout_of(window.metadata(), request.frames > 1, frames,
                              static_cast<std::int64_t>(frame_bytes));
    nb::object array =
        checked(PyArray_NewFromDescr(&PyArray_Type, new_reference(dtype), layout.dimensions,
                                     layout.extents.data(), nullptr, nullptr, 0, nullptr));
    auto* into = static_cast<char*>(PyArray_DATA(as_array(array)));
    const auto fill = [&] {
        for (std::uint32_t place = 0; place < frames; ++place) {
            const std::uint32_t age = request.latest_first ? place : frames - 1 - place;
            char* at = into + place * frame_bytes;
            if (age < window.count()) {
                std::memcpy(at, window.bytes(age).data(), frame_bytes);
            } else if (request.padding == Padding::Repeat) {
                std::memcpy(at, window.bytes(window.count() - 1).data(), frame_bytes);
            } else {
                std::memset(at, 0, frame_bytes);
            }
        }
    };
    if (frames * frame_bytes >= kBytesWorthTheGil) {
        const nb::gil_scoped_release unlocked;
        fill();
    } else {
        fill();
    }
    return array;
}

std::string class_name(nb::handle object)
{
    return Py_TYPE(object.ptr())->tp_name;
}

std::string text_of(nb::handle object)
{
    return nb::cast<std::string>(nb::str(object));
}

std::string shape_text(PyArrayObject* array)
{
    return Shape(std::span<const std::int64_t>(
                     reinterpret_cast<const std::int64_t*>(PyArray_DIMS(array)),
                     static_cast<std::size_t>(PyArray_NDIM(array))))
        .text();
}

[[noreturn]] void refuse(PyObject* type, const std::string& message)
{
    PyErr_SetString(type, message.c_str());
    throw nb::python_error();
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
    const bool short_of_frames =
        request.padding != Padding::None && window.count() < request.frames;
    if (request.copy || short_of_frames) {
        return copy_of(window, dtype, request);
    }
    return view_of(std::move(window), dtype, request);
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

SourceArray::SourceArray(nb::handle data, const PoolMetadata& metadata, nb::handle dtype)
{
    if (PyArray_Check(data.ptr())) {
        array_ = nb::borrow(data);
    } else if (PyArray_IsScalar(data.ptr(), Generic)) {
        array_ = checked(PyArray_FromScalar(data.ptr(), nullptr));
    } else {
        refuse(PyExc_TypeError,
               "pool '" + metadata.name + "' takes numpy.ndarray, got " + class_name(data));
    }
    PyArrayObject* array = as_array(array_);
    auto* found = reinterpret_cast<PyObject*>(PyArray_DESCR(array));
    if (!PyArray_EquivTypes(PyArray_DESCR(array), reinterpret_cast<PyArray_Descr*>(dtype.ptr()))) {
        refuse(PyExc_TypeError, "pool '" + metadata.name + "' holds dtype " + text_of(dtype) +
                                    ", got " + text_of(found) +
                                    ": convert it with .astype() if that is meant");
    }
    const auto expected = metadata.shape.extents();
    bool same = static_cast<std::size_t>(PyArray_NDIM(array)) == expected.size();
    for (std::size_t i = 0; same && i < expected.size(); ++i) {
        same = PyArray_DIM(array, static_cast<int>(i)) == expected[i];
    }
    if (!same) {
        refuse(PyExc_ValueError, "pool '" + metadata.name + "' holds frames of shape " +
                                     metadata.shape.text() + ", got " + shape_text(array));
    }
}

void SourceArray::copy_to(std::span<std::byte> into, const PoolMetadata& metadata,
                          nb::handle dtype) const
{
    PyArrayObject* array = as_array(array_);
    if (PyArray_IS_C_CONTIGUOUS(array)) {
        const void* source = PyArray_DATA(array);
        if (into.size() >= kBytesWorthTheGil) {
            const nb::gil_scoped_release unlocked;
            std::memcpy(into.data(), source, into.size());
        } else {
            std::memcpy(into.data(), source, into.size());
        }
        return;
    }
    const nb::object target = writable_array(into, metadata.shape, dtype, nb::none());
    if (PyArray_CopyInto(as_array(target), array) < 0) {
        throw nb::python_error();
    }
}

}  // namespace tensor_ipc::bindings
