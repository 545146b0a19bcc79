/// layout/ is the bytes that every process maps: drawn, versioned, asserted. docs/protocol.md says
/// the same in prose. It may include base/ and tensor/; it makes no system call.
#pragma once

#include "tensor_ipc/layout/geometry.hpp"
#include "tensor_ipc/layout/pool_header.hpp"
#include "tensor_ipc/layout/slot_header.hpp"
#include "tensor_ipc/layout/slot_headroom.hpp"
