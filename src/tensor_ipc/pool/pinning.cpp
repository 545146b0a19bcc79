#include "tensor_ipc/pool/pinning.hpp"

#include <utility>

namespace tensor_ipc {

namespace {

using cuda::HostRegistration;

/// A mapping that was just made has been registered by nobody, so what is registered is memory
/// that was there before it, and copies would go to and come from that.
Error stale_registration()
{
    return Error{ErrorCode::CudaFailed,
                 "the driver still has other memory registered at these addresses: something in "
                 "this process unmapped memory without cuMemHostUnregister. Copies between this "
                 "pool and a GPU may meet the old memory"};
}

}  // namespace

/// Registers the payload. @return the context it belongs to
Result<cuda::ContextRef> Pinning::lock(std::span<std::byte> payload, int device,
                                       HostRegistration::Access access)
{
    const auto driver = cuda::Driver::get();
    if (!driver) {
        return driver.error();
    }
    const auto found = cuda::device_at(*driver.value(), device);
    if (!found) {
        return found.error();
    }
    auto context = cuda::PrimaryContext::retain(*driver.value(), found.value());
    if (!context) {
        return context.error();
    }
    // Both halves in one piece: a copy may not run from one registration into the next.
    auto registration =
        HostRegistration::create(context.value(), payload.data(), payload.size(), access);
    if (!registration) {
        return registration.error();
    }
    if (!registration.value().is_ours()) {
        return stale_registration();
    }
    registration_ = std::move(registration).value();
    return context;
}

std::unique_ptr<Pinning> Pinning::of_producer(std::span<std::byte> payload, int device)
{
    std::unique_ptr<Pinning> made(new Pinning);  // NOLINT(*-owning-memory): private constructor
    if (const auto context = made->lock(payload, device, HostRegistration::Access::ReadWrite);
        !context) {
        made->refusal_ = context.error().message;
    }
    return made;
}

std::unique_ptr<Pinning> Pinning::of_consumer(std::span<std::byte> payload, int device,
                                              Attachment& attachment,
                                              std::span<const cuda::StreamHandle> streams)
{
    std::unique_ptr<Pinning> made(new Pinning);  // NOLINT(*-owning-memory): private constructor
    auto late = [&]() -> Result<std::unique_ptr<LateUnpins>> {
        auto context = made->lock(payload, device, HostRegistration::Access::ReadOnly);
        if (!context) {
            return context.error();
        }
        auto unpins = LateUnpins::create(std::move(context).value(), attachment);
        for (const cuda::StreamHandle stream : streams) {
            if (!unpins) {
                break;
            }
            if (const auto added = unpins.value()->add_stream(stream); !added) {
                return added.error();
            }
        }
        return unpins;
    }();
    if (late) {
        made->late_unpins_ = std::move(late).value();
    } else {
        made->registration_.reset();
        made->refusal_ = late.error().message;
    }
    return made;
}

std::unique_ptr<Pinning> Pinning::refused(std::string reason)
{
    std::unique_ptr<Pinning> made(new Pinning);  // NOLINT(*-owning-memory): private constructor
    made->refusal_ = std::move(reason);
    return made;
}

}  // namespace tensor_ipc
