/// Errors as values. What happens every day (no frame yet, overwritten) is an outcome of its own
/// type; what the world refuses is an `Error` that names the call and the object; what a caller
/// must never do is an assertion.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tensor_ipc {

/// What kind of refusal it is. Python maps each to one exception type (errors.py).
enum class ErrorCode : std::uint8_t {
    InvalidArgument,   ///< a size, count or option outside its range
    InvalidName,       ///< a pool name that cannot be one
    MetadataMismatch,  ///< the pool is not what the caller expects
    PoolInUse,         ///< a living producer owns the pool
    PoolExhausted,     ///< every slot is pinned or on loan
    PoolNotFound,      ///< no pool of that name
    BadSegment,        ///< the shared memory holds something else, damaged or of another version
    PermissionDenied,  ///< the operating system or our own check refused access
    NoSpace,           ///< /dev/shm is too small or full
    Dds,               ///< Cyclone DDS refused, or there is none
    CudaUnavailable,   ///< no driver, none that will do, or no such device, in this process
    CudaUnsupported,   ///< driver or device cannot do it
    CudaOutOfMemory,   ///< the device has not enough free memory
    CudaFailed,        ///< any other refusal of the driver
    System,            ///< any other failed system call
};

/// A refusal: its kind and a text that says what was expected, what was found and what to do.
struct Error {
    ErrorCode code = ErrorCode::System;
    std::string message;
    int system_errno = 0;  ///< errno of the failed call, 0 when there was none
};

/// `text` as it may be shown to people and put into any log: bytes that are not printable ASCII
/// become `\xNN`. For what others wrote: it could be no text at all, or steer a terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// `call 'object': reason`, with the kind chosen from errno.
[[nodiscard]] Error system_error(std::string_view call, std::string_view object, int error_number);

/// A value or an `Error`. `T` may be move-only.
template <typename T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(*-explicit-*)

    Result(Error error)
        : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

    [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }

    explicit operator bool() const noexcept { return ok(); }

    [[nodiscard]] T& value() & noexcept
    {
        assert(ok());
        return *std::get_if<0>(&content_);
    }

    [[nodiscard]] const T& value() const& noexcept
    {
        assert(ok());
        return *std::get_if<0>(&content_);
    }

    [[nodiscard]] T&& value() && noexcept
    {
        assert(ok());
        return std::move(*std::get_if<0>(&content_));
    }

    [[nodiscard]] const Error& error() const noexcept
    {
        assert(!ok());
        return *std::get_if<1>(&content_);
    }

    T& operator*() & noexcept { return value(); }

    const T& operator*() const& noexcept { return value(); }

    T&& operator*() && noexcept { return std::move(*this).value(); }

    T* operator->() noexcept { return &value(); }

    const T* operator->() const noexcept { return &value(); }

private:
    std::variant<T, Error> content_;
};

/// Success, or an `Error`.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;

    Result(Error error) : error_(std::move(error)) {}  // NOLINT(*-explicit-*)

    [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }

    explicit operator bool() const noexcept { return ok(); }

    [[nodiscard]] const Error& error() const noexcept
    {
        assert(!ok());
        return *error_;  // NOLINT(bugprone-unchecked-optional-access)
    }

private:
    std::optional<Error> error_;
};

}  // namespace tensor_ipc
