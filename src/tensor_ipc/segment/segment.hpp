/// segment/ makes, finds, checks, takes over and removes the shared memory object of a pool. Here
/// the operating system and plain bytes meet. It may include base/, tensor/, os/ and layout/.
#pragma once

#include "tensor_ipc/segment/locks.hpp"
#include "tensor_ipc/segment/open_segment.hpp"
#include "tensor_ipc/segment/segment_file.hpp"
