#include "tensor_ipc/tensor/dtype.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

constexpr std::array kNames{
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "complex32",
    "complex64",
    "complex128",
    "bool",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
};

TEST(DType, OfEveryNameGoesBackToThatName)
{
    for (const std::string name : kNames) {
        const auto dtype = dtype_from_name(name);

        ASSERT_TRUE(dtype) << name;
        EXPECT_EQ(dtype_name(*dtype), name);
        EXPECT_GT(dtype->item_bytes(), 0U) << name;
    }
}

TEST(DType, HasTheCodesOfDlpack)
{
    EXPECT_EQ(*dtype_from_name("uint8"), (DType{1, 8, 1}));
    EXPECT_EQ(*dtype_from_name("float32"), (DType{2, 32, 1}));
    EXPECT_EQ(*dtype_from_name("bfloat16"), (DType{4, 16, 1}));
    EXPECT_EQ(*dtype_from_name("complex128"), (DType{5, 128, 1}));
    EXPECT_EQ(*dtype_from_name("bool"), (DType{6, 8, 1}));
}

TEST(DType, CountsTheBytesOfOneElement)
{
    EXPECT_EQ(dtype_from_name("bool")->item_bytes(), 1U);
    EXPECT_EQ(dtype_from_name("float16")->item_bytes(), 2U);
    EXPECT_EQ(dtype_from_name("complex128")->item_bytes(), 16U);
    EXPECT_EQ((DType{2, 32, 4}).item_bytes(), 16U);
}

TEST(DType, ThatIsUnknownHasNoName)
{
    EXPECT_EQ(dtype_name(DType{3, 64, 1}), "");
    EXPECT_EQ(dtype_name(DType{2, 32, 2}), "");
    EXPECT_EQ(dtype_name(DType{}), "");
    EXPECT_EQ(dtype_from_name("object"), std::nullopt);
    EXPECT_EQ(dtype_from_name(""), std::nullopt);
}

}  // namespace
}  // namespace tensor_ipc
