/// dds_bindings/ shows dds/ to Python: the module tensor_ipc._dds, apart from _core so that nobody
/// needs Cyclone DDS who does not ask for it. It may include what bindings/ may, bindings/ and
/// dds/, and cdr/ and ros/.
#pragma once

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/unique_ptr.h>

#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

void add_mirror(nb::module_& module);

/// ros/, where the build has it.
void add_ros(nb::module_& module);

}  // namespace tensor_ipc::bindings
