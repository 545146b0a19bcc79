/// ring/ is the frame protocol: who may touch which slot, and when. It works on a plain span of
/// bytes and makes no system call, so that a model checker, a fuzzer and ThreadSanitizer can run
/// it. It may include base/, tensor/ and layout/.
#pragma once

#include "tensor_ipc/ring/frame_reader.hpp"
#include "tensor_ipc/ring/frame_times.hpp"
#include "tensor_ipc/ring/frame_writer.hpp"
#include "tensor_ipc/ring/ring_memory.hpp"
