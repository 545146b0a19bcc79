#include "tensor_ipc/bindings/loan_block.hpp"
#include "tensor_ipc/bindings/numpy_views.hpp"
#include "tensor_ipc/os/event_fd.hpp"

namespace tensor_ipc::bindings {

namespace {

void add_event_fd(nb::module_& module)
{
    nb::class_<os::EventFd>(module, "EventFd")
        .def_prop_ro("fd", &os::EventFd::fd)
        .def("signal", &os::EventFd::signal)
        .def("clear", &os::EventFd::clear);
    module.def("create_event_fd", [] { return unwrap(os::EventFd::create()); });
}

}  // namespace

}  // namespace tensor_ipc::bindings

NB_MODULE(_core, module)
{
    namespace face = tensor_ipc::bindings;
    if (!face::import_numpy()) {
        throw nanobind::python_error();
    }
    // A frame that lives on when the interpreter ends is no leak worth a warning.
    nanobind::set_leak_warnings(false);
    face::add_device_arrays(module);
    face::add_frames(module);
    face::add_loans(module);
    face::add_producer(module);
    face::add_cuda_producer(module);
    face::add_consumer(module);
    face::add_reading_by_time(module);
    face::add_pool_facts(module);
    face::add_event_fd(module);
}
