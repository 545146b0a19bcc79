/// pool/ is the public face: Producer, CudaProducer, Consumer, Frame, Synchronizer. It joins the
/// protocol (ring/), the segment, the driver and the operating system, and may include every layer
/// below it.
#pragma once

#include "tensor_ipc/pool/consumer.hpp"
#include "tensor_ipc/pool/cuda_producer.hpp"
#include "tensor_ipc/pool/device_reader.hpp"
#include "tensor_ipc/pool/frame.hpp"
#include "tensor_ipc/pool/observer.hpp"
#include "tensor_ipc/pool/pinning.hpp"
#include "tensor_ipc/pool/private_window.hpp"
#include "tensor_ipc/pool/producer.hpp"
#include "tensor_ipc/pool/synchronizer.hpp"
#include "tensor_ipc/segment/open_segment.hpp"
