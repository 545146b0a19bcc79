/// tensor/ says what a frame is made of: element type, shape, and the metadata of a pool.
/// It may include base/ only; everything here is a plain value.
#pragma once

#include "tensor_ipc/tensor/dtype.hpp"
#include "tensor_ipc/tensor/metadata.hpp"
#include "tensor_ipc/tensor/pool_name.hpp"
#include "tensor_ipc/tensor/shape.hpp"
#include "tensor_ipc/tensor/strided_layout.hpp"
#include "tensor_ipc/tensor/user_metadata.hpp"
