/// The scenario of the wake-up protocol.
#pragma once

#include "explorer.hpp"

namespace tensor_ipc::model {

/// A producer that publishes `puts` frames and ends in order; two consumers that sleep until each
/// of them, and until the end.
[[nodiscard]] Scenario wake_scenario(int puts);

}  // namespace tensor_ipc::model
