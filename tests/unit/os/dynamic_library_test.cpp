#include "tensor_ipc/os/dynamic_library.hpp"

#include <cstdlib>

#include "support/pool_test.hpp"

namespace tensor_ipc::os {
namespace {

TEST(DynamicLibrary, HasTheSymbolsThatItExportsAndNoOthers)
{
    const DynamicLibrary library = testing::must(DynamicLibrary::load("libm.so.6"));

    EXPECT_NE(library.find("cos"), nullptr);
    EXPECT_EQ(library.find("no such symbol"), nullptr);
}

TEST(DynamicLibrary, IsRefusedWithTheLinkersWordsWhenThereIsNone)
{
    const auto library = DynamicLibrary::load("/nowhere/libnothing.so");

    ASSERT_FALSE(library.ok());
    EXPECT_EQ(library.error().code, ErrorCode::System);
    EXPECT_TRUE(library.error().message.starts_with("dlopen '/nowhere/libnothing.so': "));
    EXPECT_NE(library.error().message.find("No such file"), std::string::npos);
}

TEST(Environment, IsNothingWhereAVariableIsMissingOrEmpty)
{
    ::setenv("TENSOR_IPC_TEST_VARIABLE", "value", 1);
    EXPECT_EQ(environment("TENSOR_IPC_TEST_VARIABLE"), "value");

    ::setenv("TENSOR_IPC_TEST_VARIABLE", "", 1);
    EXPECT_EQ(environment("TENSOR_IPC_TEST_VARIABLE"), std::nullopt);

    ::unsetenv("TENSOR_IPC_TEST_VARIABLE");
    EXPECT_EQ(environment("TENSOR_IPC_TEST_VARIABLE"), std::nullopt);
}

}  // namespace
}  // namespace tensor_ipc::os
