/// base/ holds what every other layer needs: typed errors and checked sizes.
/// It includes nothing of ours and makes no system call.
#pragma once

#include "tensor_ipc/base/checked.hpp"
#include "tensor_ipc/base/error.hpp"
