#include "tensor_ipc/base/error.hpp"

#include <cerrno>
#include <memory>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

TEST(SystemError, NamesTheCallTheObjectAndTheReason)
{
    const Error error = system_error("shm_open", "/cam", ENOENT);

    EXPECT_EQ(error.message, "shm_open '/cam': No such file or directory");
    EXPECT_EQ(error.system_errno, ENOENT);
}

TEST(SystemError, ChoosesTheKindFromErrno)
{
    EXPECT_EQ(system_error("c", "o", ENOENT).code, ErrorCode::PoolNotFound);
    EXPECT_EQ(system_error("c", "o", EACCES).code, ErrorCode::PermissionDenied);
    EXPECT_EQ(system_error("c", "o", EPERM).code, ErrorCode::PermissionDenied);
    EXPECT_EQ(system_error("c", "o", ELOOP).code, ErrorCode::PermissionDenied);
    EXPECT_EQ(system_error("c", "o", ENOSPC).code, ErrorCode::NoSpace);
    EXPECT_EQ(system_error("c", "o", ENOMEM).code, ErrorCode::NoSpace);
    EXPECT_EQ(system_error("c", "o", EIO).code, ErrorCode::System);
}

TEST(Result, HoldsAValueThatCanOnlyBeMoved)
{
    Result<std::unique_ptr<int>> result(std::make_unique<int>(7));

    ASSERT_TRUE(result.ok());
    const std::unique_ptr<int> taken = std::move(result).value();

    EXPECT_EQ(*taken, 7);
}

TEST(Result, HoldsAnErrorInstead)
{
    const Result<int> result(Error{ErrorCode::NoSpace, "full", ENOSPC});

    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::NoSpace);
    EXPECT_EQ(result.error().message, "full");
}

TEST(Result, OfVoidIsSuccessUnlessItHoldsAnError)
{
    const Result<void> success;
    const Result<void> failure(Error{ErrorCode::System, "no", 0});

    EXPECT_TRUE(success.ok());
    EXPECT_FALSE(failure.ok());
    EXPECT_EQ(failure.error().message, "no");
}

}  // namespace
}  // namespace tensor_ipc
