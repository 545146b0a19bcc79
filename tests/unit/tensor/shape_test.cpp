#include "tensor_ipc/tensor/shape.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace tensor_ipc {
namespace {

TEST(Shape, PrintsAsInPython)
{
    EXPECT_EQ(Shape({480, 640, 3}).text(), "(480, 640, 3)");
    EXPECT_EQ(Shape({7}).text(), "(7,)");
    EXPECT_EQ(Shape().text(), "()");
}

TEST(Shape, OfAScalarHasOneElement)
{
    EXPECT_EQ(Shape().elements(), 1U);
    EXPECT_EQ(Shape().dimensions(), 0U);
}

TEST(Shape, MultipliesItsExtents)
{
    EXPECT_EQ(Shape({2, 3, 4}).elements(), 24U);
    EXPECT_EQ(Shape({2, 0, 4}).elements(), 0U);
}

TEST(Shape, HasNoElementsWhenNegativeOrTooLarge)
{
    EXPECT_EQ(Shape({2, -1}).elements(), std::nullopt);
    EXPECT_EQ(Shape({INT64_MAX, 2, 2}).elements(), std::nullopt);
}

TEST(Shape, IsEqualWhenItsExtentsAre)
{
    EXPECT_EQ(Shape({2, 3}), Shape({2, 3}));
    EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
    EXPECT_NE(Shape({2, 3}), Shape({2, 3, 1}));
    EXPECT_NE(Shape(), Shape({1}));
}

TEST(Shape, KeepsAsManyDimensionsAsFit)
{
    const std::vector<std::int64_t> extents(40, 1);

    const Shape shape{std::span<const std::int64_t>(extents)};

    EXPECT_FALSE(Shape::fits(extents.size()));
    EXPECT_TRUE(Shape::fits(kMaxDimensions));
    EXPECT_EQ(shape.dimensions(), kMaxDimensions);
}

}  // namespace
}  // namespace tensor_ipc
