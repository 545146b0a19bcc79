#pragma once

#include "explorer.hpp"

namespace tensor_ipc::model {

struct FramesBounds {
    int puts = 3;
    int gets_a = 2;
    int gets_b = 1;
    bool loans = false;    ///< every other put is two loans, one of them abandoned
    bool by_scan = false;  ///< consumers also look through all slots for the newest frame
};

[[nodiscard]] Scenario frames_scenario(const FramesBounds& wanted);

}  // namespace tensor_ipc::model
