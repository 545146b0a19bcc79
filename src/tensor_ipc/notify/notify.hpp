/// notify/ is how a sleeping consumer learns of a new frame. It may include base/ and os/.
#pragma once

#include "tensor_ipc/notify/wake_word.hpp"
