/// mirror/ makes a pool of another host again on this one: frames travel over DDS, keep their
/// numbers and times, and lie in shared memory here as they do there. It may include base/,
/// tensor/, os/, layout/, segment/, pool/ and dds/.
///
/// At the source a MirrorServer offers pools and sends the newest frame to those who ask, each at
/// the pace of its own link. Here a PoolMirror asks, and is the producer of the local pool.
/// Everything that arrives is checked as hostile input: DDS is unauthenticated by default.
#pragma once

#include "tensor_ipc/mirror/mirror_server.hpp"
#include "tensor_ipc/mirror/pool_mirror.hpp"
