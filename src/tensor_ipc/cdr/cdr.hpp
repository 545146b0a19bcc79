/// cdr/ is the wire format of ROS 2: messages as they cross the network, and what their payload
/// becomes in a pool. Plain spans of bytes from anybody, no DDS, no pools. It may include base/ and
/// tensor/.
#pragma once

#include "tensor_ipc/cdr/image_encoding.hpp"
#include "tensor_ipc/cdr/messages.hpp"
#include "tensor_ipc/cdr/payload_copy.hpp"
#include "tensor_ipc/cdr/reader.hpp"
#include "tensor_ipc/cdr/writer.hpp"
