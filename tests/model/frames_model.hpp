/// What the scenario of the frame protocol (frames_model.cpp) does, and how often.
#pragma once

#include "explorer.hpp"

namespace tensor_ipc::model {

struct FramesBounds {
    int puts = 1;    ///< over all lives of the producer
    int gets_a = 1;  ///< over all lives of consumer A
    int gets_b = 1;
    bool loans = false;    ///< every other put is two loans, the first published last or abandoned
    bool device = false;   ///< in place of consumer A, a device writes and commits what was claimed
    bool by_scan = false;  ///< consumers also look through all slots for the newest frame
    bool one_frame = false;  ///< of history, so that slots are not taken in ring order
    bool brisk = false;      ///< frames come fast, so that it goes round them
};

[[nodiscard]] Scenario frames_scenario(const FramesBounds& wanted);

}  // namespace tensor_ipc::model
