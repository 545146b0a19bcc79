#include "tensor_ipc/bindings/stream_argument.hpp"

namespace tensor_ipc::bindings {

namespace {

std::string shown(nb::handle object)
{
    return nb::cast<std::string>(nb::repr(object));
}

std::optional<std::uintptr_t> handle_in(nb::handle number)
{
    if (PyLong_Check(number.ptr()) == 0 || PyBool_Check(number.ptr()) != 0) {
        return std::nullopt;
    }
    const std::uintptr_t value = PyLong_AsSize_t(number.ptr());
    if (value == static_cast<std::uintptr_t>(-1) && PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        return std::nullopt;
    }
    return value;
}

/// The handle in the object that a framework has for a stream.
nb::object handle_of(nb::handle stream)
{
    for (const char* name : {"cuda_stream", "ptr"}) {
        if (nb::hasattr(stream, name)) {
            return stream.attr(name);
        }
    }
    if (nb::hasattr(stream, "__cuda_stream__")) {
        // A pair of protocol version and handle.
        return stream.attr("__cuda_stream__")()[1];
    }
    return nb::borrow(stream);
}

}  // namespace

cuda::StreamHandle stream_handle(std::uintptr_t number) noexcept
{
    return reinterpret_cast<cuda::StreamHandle>(number);  // NOLINT(performance-no-int-to-ptr)
}

std::uintptr_t stream_number(cuda::StreamHandle stream) noexcept
{
    return stream == nullptr ? kLegacyStream : reinterpret_cast<std::uintptr_t>(stream);
}

std::optional<cuda::StreamHandle> named_stream(nb::handle named)
{
    if (named.is_none()) {
        return std::nullopt;
    }
    const std::optional<std::uintptr_t> handle = handle_in(handle_of(named));
    if (!handle) {
        refuse(PyExc_TypeError,
               "stream: expected a handle as an int, or an object with cuda_stream, ptr or "
               "__cuda_stream__(), got " +
                   shown(named));
    }
    return stream_handle(*handle);
}

std::optional<cuda::StreamHandle> dlpack_stream(nb::handle argument)
{
    if (argument.is_none()) {
        return stream_handle(kLegacyStream);
    }
    if (PyLong_Check(argument.ptr()) == 0 || PyBool_Check(argument.ptr()) != 0) {
        refuse(PyExc_BufferError, "stream: expected None or an int, got " + shown(argument));
    }
    const std::optional<std::uintptr_t> handle = handle_in(argument);
    if (handle && *handle != 0) {
        return stream_handle(*handle);
    }
    if (nb::cast<bool>(argument.attr("__eq__")(-1))) {
        return std::nullopt;
    }
    refuse(PyExc_ValueError,
           "stream: expected None, -1 for none, 1 or 2 for the default streams, "
           "or a handle, got " +
               shown(argument) + (handle ? ", which could be either default stream" : ""));
}

}  // namespace tensor_ipc::bindings
