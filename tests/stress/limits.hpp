/// Limits of the operating system, for tests of what happens when something runs out.
#pragma once

#include <sys/resource.h>

#include "support/pool_test.hpp"

namespace tensor_ipc::testing {

/// Lowers a limit of this process for as long as it lives.
class Limit {
public:
    Limit(__rlimit_resource resource, std::uint64_t value) : resource_(resource)
    {
        ::getrlimit(resource_, &before_);
        const rlimit lowered{value, before_.rlim_max};
        ::setrlimit(resource_, &lowered);
    }

    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;

    ~Limit() { ::setrlimit(resource_, &before_); }

private:
    __rlimit_resource resource_;
    rlimit before_{};
};

/// What a call came to.
struct Attempt {
    bool succeeded = false;
    Error error;
};

template <typename T>
Attempt attempt_of(const Result<T>& result)
{
    return result ? Attempt{true, {}} : Attempt{false, result.error()};
}

}  // namespace tensor_ipc::testing
