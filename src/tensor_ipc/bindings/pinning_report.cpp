#include "tensor_ipc/bindings/pinning_report.hpp"

namespace tensor_ipc::bindings {

void PinningReport::tell(const std::string& pool_name, const Pinning* pinning)
{
    if (pinning == nullptr || pinning->is_granted() || pinning->refusal() == told_) {
        return;
    }
    told_ = pinning->refusal();
    nb::module_::import_("tensor_ipc.core.pinning").attr("warn")(pool_name, told_);
}

}  // namespace tensor_ipc::bindings
