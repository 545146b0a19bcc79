/// dds/ tells other processes and hosts of pools and of their progress, over Cyclone DDS. Nothing
/// on one host needs it. It may include base/, tensor/, os/, layout/, notify/, segment/ and pool/.
///
/// What comes from DDS is unauthenticated by default and is checked as hostile input.
#pragma once

#include "tensor_ipc/dds/announcer.hpp"
#include "tensor_ipc/dds/directory.hpp"
#include "tensor_ipc/dds/participant.hpp"
#include "tensor_ipc/dds/progress_watch.hpp"
