#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

namespace {

const char* exception_name(ErrorCode code)
{
    switch (code) {
        case ErrorCode::InvalidName:
            return "InvalidPoolNameError";
        case ErrorCode::MetadataMismatch:
            return "MetadataMismatchError";
        case ErrorCode::PoolInUse:
            return "PoolInUseError";
        case ErrorCode::PoolExhausted:
            return "PoolExhaustedError";
        case ErrorCode::PoolNotFound:
            return "PoolNotFoundError";
        case ErrorCode::BadSegment:
            return "SegmentError";
        case ErrorCode::PermissionDenied:
            return "PoolPermissionError";
        case ErrorCode::NoSpace:
            return "SharedMemoryFullError";
        case ErrorCode::Dds:
            return "DdsError";
        case ErrorCode::CudaUnavailable:
            return "CudaUnavailableError";
        case ErrorCode::CudaUnsupported:
            return "CudaUnsupportedError";
        case ErrorCode::CudaOutOfMemory:
            return "CudaOutOfMemoryError";
        case ErrorCode::CudaFailed:
            return "CudaError";
        case ErrorCode::InvalidArgument:
        case ErrorCode::System:
            break;
    }
    return nullptr;
}

}  // namespace

void refuse(PyObject* type, const std::string& message)
{
    PyErr_SetString(type, message.c_str());
    throw nb::python_error();
}

void raise(const Error& error)
{
    if (const char* name = exception_name(error.code)) {
        const nb::object type = nb::module_::import_("tensor_ipc.errors").attr(name);
        refuse(type.ptr(), error.message);
    }
    if (error.code == ErrorCode::System) {
        const nb::tuple arguments = nb::make_tuple(error.system_errno, error.message);
        PyErr_SetObject(PyExc_OSError, arguments.ptr());
        throw nb::python_error();
    }
    refuse(PyExc_ValueError, error.message);
}

}  // namespace tensor_ipc::bindings
