/// memory/ is where payload bytes live: in host memory. That of a device is of cuda/ and pool/.
/// It may include base/, tensor/, os/ and layout/.
#pragma once

#include "tensor_ipc/memory/copy_choice.hpp"
#include "tensor_ipc/memory/frame_copier.hpp"
#include "tensor_ipc/memory/host_ring.hpp"
#include "tensor_ipc/memory/private_ring.hpp"
#include "tensor_ipc/memory/ring_mapping.hpp"
#include "tensor_ipc/memory/streaming_copy.hpp"
