#include "tensor_ipc/cdr/reader.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tensor_ipc/cdr/writer.hpp"

namespace tensor_ipc::cdr {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values)
{
    std::vector<std::byte> bytes;
    for (const unsigned value : values) {
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

TEST(CdrReader, ReadsLittleAndBigEndianNumbers)
{
    const auto little = bytes_of({0, 1, 0, 0, 0x04, 0x03, 0x02, 0x01});
    const auto big = bytes_of({0, 0, 0, 0, 0x01, 0x02, 0x03, 0x04});

    EXPECT_EQ(Reader(little).number<std::uint32_t>(), 0x01020304U);
    EXPECT_EQ(Reader(big).number<std::uint32_t>(), 0x01020304U);
}

TEST(CdrReader, AlignsNumbersFromTheBodyOn)
{
    const auto bytes =
        bytes_of({0, 1, 0, 0, 7, 99, 99, 99, 99, 99, 99, 99, 1, 0, 0, 0, 0, 0, 0, 0});
    Reader reader(bytes);

    EXPECT_EQ(reader.number<std::uint8_t>(), 7);
    EXPECT_EQ(reader.number<std::uint64_t>(), 1U);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.position(), bytes.size());
}

TEST(CdrReader, ReadsStringsWithoutTheirZero)
{
    const auto bytes = bytes_of({0, 1, 0, 0, 4, 0, 0, 0, 'c', 'a', 'm', 0});

    EXPECT_EQ(Reader(bytes).string(), "cam");
}

TEST(CdrReader, TakesAnEmptyStringWithAndWithoutItsZero)
{
    const auto bytes = bytes_of({0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
    Reader reader(bytes);

    EXPECT_EQ(reader.string(), "");
    EXPECT_EQ(reader.string(), "");
    EXPECT_TRUE(reader.ok());
}

TEST(CdrReader, RefusesOtherRepresentations)
{
    for (const unsigned representation : {2U, 3U, 6U, 7U, 255U}) {
        const auto bytes = bytes_of({0, representation, 0, 0, 1, 0, 0, 0});
        EXPECT_FALSE(Reader(bytes).ok()) << representation;
    }
    EXPECT_FALSE(Reader(bytes_of({1, 1, 0, 0})).ok());
    EXPECT_FALSE(Reader(bytes_of({0, 1, 0})).ok());
    EXPECT_FALSE(Reader({}).ok());
}

TEST(CdrReader, StaysNotOkAfterTheEnd)
{
    const auto bytes = bytes_of({0, 1, 0, 0, 1, 2, 3});
    Reader reader(bytes);

    EXPECT_EQ(reader.number<std::uint32_t>(), 0U);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.number<std::uint8_t>(), 0U);
    EXPECT_FALSE(reader.ok());
}

TEST(CdrReader, RefusesStringsThatEndElsewhere)
{
    const auto too_long = bytes_of({0, 1, 0, 0, 255, 255, 255, 255, 'a', 0});
    const auto without_zero = bytes_of({0, 1, 0, 0, 2, 0, 0, 0, 'a', 'b'});
    const auto zero_within = bytes_of({0, 1, 0, 0, 4, 0, 0, 0, 'a', 0, 'b', 0});

    for (const auto& bytes : {too_long, without_zero, zero_within}) {
        Reader reader(bytes);
        EXPECT_EQ(reader.string(), "");
        EXPECT_FALSE(reader.ok());
    }
}

TEST(CdrWriter, WritesWhatTheReaderReads)
{
    std::array<std::byte, 64> memory{};
    Writer writer(memory);
    writer.number(std::uint8_t{7});
    writer.string("rgb8");
    writer.number(-2.5);
    writer.number(std::int32_t{-9});
    ASSERT_TRUE(writer.ok());

    Reader reader(writer.written());

    EXPECT_EQ(reader.number<std::uint8_t>(), 7);
    EXPECT_EQ(reader.string(), "rgb8");
    EXPECT_EQ(reader.number<double>(), -2.5);
    EXPECT_EQ(reader.number<std::int32_t>(), -9);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.position(), writer.written().size());
}

TEST(CdrWriter, IsNotOkWhenItsMemoryIsFull)
{
    std::array<std::byte, 10> memory{};
    Writer writer(memory);
    writer.number(std::uint32_t{1});
    ASSERT_TRUE(writer.ok());

    writer.number(std::uint32_t{2});
    writer.number(std::uint8_t{3});

    EXPECT_FALSE(writer.ok());
    EXPECT_EQ(writer.written().size(), 8U);
}

}  // namespace
}  // namespace tensor_ipc::cdr
