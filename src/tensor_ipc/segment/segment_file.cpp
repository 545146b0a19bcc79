#include "tensor_ipc/segment/segment_file.hpp"

namespace tensor_ipc {

LockingDescriptor::LockingDescriptor(os::FileDescriptor fd)
    : fd_(std::move(fd)), epoch_(os::fork_epoch())
{
    os::close_in_child(fd_.get());
}

LockingDescriptor& LockingDescriptor::operator=(LockingDescriptor&& other) noexcept
{
    if (this != &other) {
        reset();
        fd_ = std::move(other.fd_);
        epoch_ = other.epoch_;
    }
    return *this;
}

void LockingDescriptor::reset() noexcept
{
    if (!fd_) {
        return;
    }
    if (epoch_ != os::fork_epoch()) {
        fd_.release();  // the number may be someone else's by now
        return;
    }
    os::keep_in_child(fd_.get());
    fd_.reset();
}

}  // namespace tensor_ipc
