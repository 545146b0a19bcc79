/// What Cyclone DDS refuses, as an `Error`.
#pragma once

#include <cstdint>
#include <string_view>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::dds {

/// `call 'object': reason`.
/// @param code  negative, as Cyclone DDS returned it
[[nodiscard]] Error dds_error(std::string_view call, std::string_view object, std::int32_t code);

}  // namespace tensor_ipc::dds
