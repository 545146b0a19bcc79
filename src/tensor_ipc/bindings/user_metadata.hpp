/// The texts that travel with a frame, as Python mappings.
#pragma once

#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

/// What a mapping of str to str holds; nothing for None.
/// @throws TypeError for anything else, ValueError for what does not fit
PackedUserMetadata packed_from(nb::handle mapping);

/// A new dict.
/// @throws SegmentError when it is no packed metadata
nb::dict dict_of(std::string_view packed);

}  // namespace tensor_ipc::bindings
