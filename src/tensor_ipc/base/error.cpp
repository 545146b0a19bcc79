#include "tensor_ipc/base/error.hpp"

#include <cerrno>

#include <system_error>

namespace tensor_ipc {

namespace {

ErrorCode code_of(int error_number)
{
    switch (error_number) {
        case EACCES:
        case EPERM:
        case ELOOP:  // O_NOFOLLOW met a symbolic link
            return ErrorCode::PermissionDenied;
        case ENOSPC:
        case ENOMEM:
            return ErrorCode::NoSpace;
        case ENOENT:
            return ErrorCode::PoolNotFound;
        case EISDIR:  // a directory has the name, or a socket
        case ENXIO:
            return ErrorCode::BadSegment;
        default:
            return ErrorCode::System;
    }
}

}  // namespace

std::string printable(std::string_view text)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string shown;
    for (const char c : text) {
        if (c >= ' ' && c <= '~') {
            shown.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        shown.append("\\x").append(1, kDigits[byte / 16U]).append(1, kDigits[byte % 16U]);
    }
    return shown;
}

Error system_error(std::string_view call, std::string_view object, int error_number)
{
    std::string message(call);
    message.append(" '").append(object).append("': ");
    message.append(std::generic_category().message(error_number));
    return Error{code_of(error_number), std::move(message), error_number};
}

}  // namespace tensor_ipc
