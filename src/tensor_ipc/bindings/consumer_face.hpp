/// What other faces need of a Python consumer.
#pragma once

#include <functional>
#include <memory>

#include "tensor_ipc/bindings/array_maker.hpp"

namespace tensor_ipc::bindings {

/// The consumer inside a `_core.Consumer`, which has to outlive the use of it.
Consumer& core_of(nb::handle consumer);

/// What the frames of the pool that it is attached to become.
std::shared_ptr<ArrayMaker> arrays_of(nb::handle consumer);

/// Whether it was closed.
bool is_closed(nb::handle consumer);

/// When a wait that begins now ends: never without a time-out, now with one that is no time.
std::uint64_t deadline_of(std::optional<double> timeout_s);

/// Runs `wait`, which touches no Python object, and lets other threads run meanwhile.
/// @throws what a signal handler raised
WaitOutcome without_gil(const std::function<WaitOutcome()>& wait);

}  // namespace tensor_ipc::bindings
