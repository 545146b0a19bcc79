#include "tensor_ipc/tensor/strided_layout.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

PoolMetadata metadata_of(const Shape& shape)
{
    PoolMetadata metadata;
    metadata.name = "layout";
    metadata.shape = shape;
    metadata.dtype = *dtype_from_name("float32");
    return metadata;
}

std::vector<std::int64_t> extents_of(const StridedLayout& layout)
{
    return {layout.extents.begin(), layout.extents.begin() + layout.dimensions};
}

std::vector<std::int64_t> strides_of(const StridedLayout& layout)
{
    return {layout.strides.begin(), layout.strides.begin() + layout.dimensions};
}

TEST(StridedLayout, OfAFrameIsInCOrder)
{
    const StridedLayout layout = frame_layout(metadata_of({2, 3, 5}));

    EXPECT_EQ(extents_of(layout), (std::vector<std::int64_t>{2, 3, 5}));
    EXPECT_EQ(strides_of(layout), (std::vector<std::int64_t>{60, 20, 4}));
    EXPECT_TRUE(is_contiguous(layout, 4));
}

TEST(StridedLayout, OfAScalarHasNoDimensions)
{
    const StridedLayout layout = frame_layout(metadata_of({}));

    EXPECT_EQ(layout.dimensions, 0U);
    EXPECT_TRUE(is_contiguous(layout, 4));
}

TEST(StridedLayout, OfSeveralFramesHasAnAxisForThemInFront)
{
    const StridedLayout layout = frames_layout(metadata_of({2, 3}), 7, -4096);

    EXPECT_EQ(extents_of(layout), (std::vector<std::int64_t>{7, 2, 3}));
    EXPECT_EQ(strides_of(layout), (std::vector<std::int64_t>{-4096, 12, 4}));
    EXPECT_FALSE(is_contiguous(layout, 4));
}

TEST(StridedLayout, HasRoomForTheMostDimensionsAndTheAxisOfFrames)
{
    const std::vector<std::int64_t> ones(kMaxDimensions, 1);

    EXPECT_EQ(frames_layout(metadata_of(Shape(ones)), 2, 64).dimensions, kMaxDimensions + 1);
}

TEST(StridedLayout, IsContiguousWhateverTheStridesOfExtentsOfOne)
{
    StridedLayout layout = frame_layout(metadata_of({1, 3, 1}));
    layout.strides[0] = 999;
    layout.strides[2] = 0;
    EXPECT_TRUE(is_contiguous(layout, 4));

    layout.strides[1] = 8;
    EXPECT_FALSE(is_contiguous(layout, 4));
}

}  // namespace
}  // namespace tensor_ipc
