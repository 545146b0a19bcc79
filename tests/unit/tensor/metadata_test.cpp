#include "tensor_ipc/tensor/metadata.hpp"

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

PoolMetadata sample()
{
    PoolMetadata metadata;
    metadata.name = "cam";
    metadata.shape = {480, 640, 3};
    metadata.dtype = *dtype_from_name("uint16");
    metadata.history_len = 5;
    return metadata;
}

TEST(PoolMetadata, KnowsTheBytesOfOneFrame)
{
    EXPECT_EQ(*frame_bytes(sample()), 1'843'200U);
}

TEST(PoolMetadata, MayDescribeAScalar)
{
    PoolMetadata metadata = sample();
    metadata.shape = {};

    EXPECT_TRUE(validate(metadata));
    EXPECT_EQ(*frame_bytes(metadata), 2U);
}

TEST(PoolMetadata, OfVaryingExtentHasACapacity)
{
    PoolMetadata metadata = sample();
    metadata.varying_extent = true;

    EXPECT_TRUE(validate(metadata));
    EXPECT_EQ(max_extent(metadata), 480U);
    EXPECT_EQ(*frame_bytes(metadata), 1'843'200U);
    EXPECT_EQ(frame_shape_text(metadata), "(<=480, 640, 3)");
    EXPECT_NE(metadata, sample());
    EXPECT_EQ(differences(sample(), metadata),
              "shape: expected (480, 640, 3), found (<=480, 640, 3)");
}

TEST(PoolMetadata, OfAScalarCannotVary)
{
    PoolMetadata metadata = sample();
    metadata.shape = {};
    metadata.varying_extent = true;

    const auto refused = validate(metadata);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(max_extent(metadata), 1U);
}

TEST(PoolMetadata, RefusesAnEmptyDimension)
{
    PoolMetadata metadata = sample();
    metadata.shape = {480, 0};

    const auto refused = validate(metadata);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_NE(refused.error().message.find("(480, 0)"), std::string::npos);
}

TEST(PoolMetadata, RefusesShapesThatNoMachineHolds)
{
    for (const Shape& shape :
         {Shape{-1}, Shape{INT64_MAX, 3}, Shape{INT64_MAX}, Shape{1LL << 31, 1LL << 31, 2}}) {
        PoolMetadata metadata = sample();
        metadata.shape = shape;

        EXPECT_EQ(validate(metadata).error().code, ErrorCode::InvalidArgument) << shape.text();
    }
}

TEST(PoolMetadata, RefusesAnUnknownDtype)
{
    PoolMetadata metadata = sample();
    metadata.dtype = {3, 64, 1};

    const auto refused = frame_bytes(metadata);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "unknown dtype: DLPack code 3, bits 64, lanes 1");
}

TEST(PoolMetadata, RefusesAHistoryOutsideItsRange)
{
    for (const std::uint32_t history_len : {0U, kMaxHistory + 1, UINT32_MAX}) {
        PoolMetadata metadata = sample();
        metadata.history_len = history_len;

        const auto refused = validate(metadata);

        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().message,
                  "history_len must be 1 to 4096, got " + std::to_string(history_len));
    }
}

TEST(PoolMetadata, RefusesLabelsThatDoNotFit)
{
    for (const std::string& label : {std::string(), std::string(32, 'x'), std::string("a\0b", 3)}) {
        PoolMetadata metadata = sample();
        metadata.backend = label;
        EXPECT_FALSE(validate(metadata));

        metadata = sample();
        metadata.device = label;
        EXPECT_FALSE(validate(metadata));
    }
}

TEST(PoolMetadata, RefusesABadName)
{
    PoolMetadata metadata = sample();
    metadata.name = "a b";

    EXPECT_EQ(validate(metadata).error().code, ErrorCode::InvalidName);
}

TEST(Differences, AreEmptyBetweenEqualPools)
{
    EXPECT_EQ(differences(sample(), sample()), "");
    EXPECT_EQ(sample(), sample());
}

TEST(Differences, NameEveryFieldThatDiffers)
{
    PoolMetadata other = sample();
    other.shape = {2, 3};
    other.dtype = *dtype_from_name("int8");
    other.history_len = 6;
    other.backend = "torch";
    other.device = "cuda:0";

    EXPECT_EQ(differences(sample(), other),
              "shape: expected (480, 640, 3), found (2, 3); dtype: expected uint16, found int8; "
              "history_len: expected 5, found 6; backend: expected numpy, found torch; "
              "device: expected cpu, found cuda:0");
}

}  // namespace
}  // namespace tensor_ipc
