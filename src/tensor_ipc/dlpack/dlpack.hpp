/// dlpack/ hands frames to other frameworks' arrays, and reads theirs, without linking any: the
/// structures of DLPack, and tensors that keep their frames. It may include base/, tensor/ and
/// pool/.
#pragma once

#include "tensor_ipc/dlpack/abi.hpp"
#include "tensor_ipc/dlpack/frames.hpp"
#include "tensor_ipc/dlpack/managed_tensor.hpp"
