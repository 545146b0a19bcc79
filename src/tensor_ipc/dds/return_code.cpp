#include "tensor_ipc/dds/return_code.hpp"

#include <dds/dds.h>
#include <string>

namespace tensor_ipc::dds {

namespace {

ErrorCode code_of(dds_return_t code)
{
    switch (code) {
        case DDS_RETCODE_BAD_PARAMETER:
        case DDS_RETCODE_INCONSISTENT_POLICY:
            return ErrorCode::InvalidArgument;
        case DDS_RETCODE_NOT_ALLOWED_BY_SECURITY:
            return ErrorCode::PermissionDenied;
        default:
            return ErrorCode::Dds;
    }
}

}  // namespace

Error dds_error(std::string_view call, std::string_view object, std::int32_t code)
{
    std::string message(call);
    message.append(" '").append(object).append("': ").append(dds_strretcode(-code));
    return Error{code_of(code), std::move(message)};
}

}  // namespace tensor_ipc::dds
