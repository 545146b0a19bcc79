/// NumPy's C API, and small steps with it. The file that loads it, numpy_views.cpp, defines
/// TENSOR_IPC_LOADS_NUMPY.
#pragma once

#include "tensor_ipc/bindings/bindings.hpp"

#define PY_ARRAY_UNIQUE_SYMBOL tensor_ipc_numpy_api
#ifndef TENSOR_IPC_LOADS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

namespace tensor_ipc::bindings {

/// A new reference, for calls of NumPy that steal one.
inline PyArray_Descr* new_reference(nb::handle dtype)
{
    Py_INCREF(dtype.ptr());
    return reinterpret_cast<PyArray_Descr*>(dtype.ptr());
}

inline PyArrayObject* as_array(const nb::object& array)
{
    return reinterpret_cast<PyArrayObject*>(array.ptr());
}

/// The object of a call that returns null after an error.
inline nb::object checked(PyObject* object)
{
    if (object == nullptr) {
        throw nb::python_error();
    }
    return nb::steal(object);
}

}  // namespace tensor_ipc::bindings
