// incoming.hpp and outgoing.hpp: what messages become, and frames, and both after each other.
#include <algorithm>
#include <bit>
#include <vector>

#include <gtest/gtest.h>

#include "tensor_ipc/cdr/image_encoding.hpp"
#include "tensor_ipc/cdr/incoming.hpp"
#include "tensor_ipc/cdr/outgoing.hpp"
#include "tensor_ipc/cdr/point_fields.hpp"
#include "tensor_ipc/cdr/writer.hpp"

namespace tensor_ipc::cdr {
namespace {

constexpr bool kIsBig = std::endian::native == std::endian::big;
constexpr DType kUint8{1, 8};

std::vector<std::byte> with_payload(const Result<std::vector<std::byte>>& prefix, std::size_t bytes,
                                    std::size_t tail = 0)
{
    EXPECT_TRUE(prefix) << prefix.error().message;
    std::vector<std::byte> message = prefix.value();
    message.resize(message.size() + bytes + tail);
    return message;
}

Image image_of(std::uint32_t height, std::uint32_t width, std::string_view encoding,
               std::uint32_t step)
{
    Image image;
    image.header = {12, 34, "cam"};
    image.height = height;
    image.width = width;
    image.encoding = encoding;
    image.is_bigendian = kIsBig;
    image.step = step;
    image.data.bytes = std::size_t{height} * step;
    return image;
}

Result<IncomingFrame> incoming(const Image& image)
{
    const auto message = with_payload(write_prefix(image), image.data.bytes);
    return incoming_frame(MessageType::Image, message, message.size());
}

std::string text(const IncomingFrame& frame, std::string_view key)
{
    const auto found =
        std::ranges::find(frame.texts, key, &std::pair<std::string, std::string>::first);
    return found == frame.texts.end() ? "(none)" : found->second;
}

TEST(IncomingImage, HasShapeDtypeStampAndTexts)
{
    const auto frame = incoming(image_of(4, 5, "rgb8", 15));

    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame.value().shape, (Shape{4, 5, 3}));
    EXPECT_EQ(frame.value().dtype, kUint8);
    EXPECT_EQ(frame.value().captured_ns, 12'000'000'034U);
    EXPECT_EQ(text(frame.value(), "encoding"), "rgb8");
    EXPECT_EQ(text(frame.value(), "frame_id"), "cam");
    EXPECT_EQ(frame.value().swapped_item_bytes, 1U);
}

TEST(IncomingImage, OfOneChannelHasTwoDimensions)
{
    for (const char* encoding : {"mono16", "16UC1", "bayer_rggb16"}) {
        const auto frame = incoming(image_of(4, 5, encoding, 10));
        ASSERT_TRUE(frame) << frame.error().message;
        EXPECT_EQ(frame.value().shape, (Shape{4, 5}));
        EXPECT_EQ(frame.value().dtype, (DType{1, 16}));
    }
}

TEST(IncomingImage, LosesThePaddingOfItsRows)
{
    const auto frame = incoming(image_of(4, 5, "rgb8", 16));

    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame.value().rows.bytes, 15U);
    EXPECT_EQ(frame.value().rows.step, 16U);
    EXPECT_EQ(frame.value().rows.count, 4U);
}

TEST(IncomingImage, OfPlanesKeepsItsRows)
{
    Image image = image_of(4, 6, "nv12", 8);
    image.data.bytes = 6 * 8;

    const auto frame = incoming(image);

    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame.value().shape, (Shape{6, 8}));
    EXPECT_EQ(text(frame.value(), "width"), "6");
}

TEST(IncomingImage, InTheOtherByteOrderIsSwappedWhereItMatters)
{
    Image wide = image_of(2, 2, "mono16", 4);
    wide.is_bigendian = !kIsBig;
    Image narrow = image_of(2, 2, "mono8", 2);
    narrow.is_bigendian = !kIsBig;

    EXPECT_EQ(incoming(wide).value().swapped_item_bytes, 2U);
    EXPECT_EQ(incoming(narrow).value().swapped_item_bytes, 1U);
}

TEST(IncomingImage, WithoutAStampHasNoTimeOfCapture)
{
    Image image = image_of(2, 2, "mono8", 2);
    image.header = {0, 0, ""};
    EXPECT_FALSE(incoming(image).value().captured_ns.has_value());

    image.header = {-1, 0, ""};
    EXPECT_FALSE(incoming(image).value().captured_ns.has_value());
}

TEST(IncomingImage, ThatContradictsItselfIsRefused)
{
    Image short_step = image_of(4, 5, "rgb8", 14);
    Image short_data = image_of(4, 5, "rgb8", 15);
    short_data.data.bytes -= 1;
    Image unknown = image_of(4, 5, "rgb9", 15);
    Image empty = image_of(0, 5, "rgb8", 15);
    Image overflowing = image_of(0xffffffffU, 1, "nv24", 0xffffffffU);
    overflowing.data.bytes = 12;

    for (const Image& image : {short_step, short_data, unknown, empty, overflowing}) {
        const auto frame = incoming(image);
        ASSERT_FALSE(frame);
        EXPECT_EQ(frame.error().code, ErrorCode::InvalidArgument);
    }
}

TEST(IncomingImage, IsRefusedWhenBytesAreMissingOrLeft)
{
    const Image image = image_of(4, 5, "rgb8", 15);
    auto message = with_payload(write_prefix(image), image.data.bytes);
    const std::size_t whole = message.size();
    message.resize(whole + 8);

    for (std::size_t bytes = 0; bytes <= message.size(); ++bytes) {
        const bool ok =
            incoming_frame(MessageType::Image, std::span(message).first(bytes), bytes).ok();
        EXPECT_EQ(ok, bytes >= whole && bytes <= whole + 3) << bytes << " of " << whole;
    }
}

TEST(IncomingImage, TakesOnlyTheBeginningOfALongMessage)
{
    const Image image = image_of(100, 100, "rgb8", 300);
    const auto message = with_payload(write_prefix(image), image.data.bytes);

    const auto frame = incoming_frame(MessageType::Image, std::span(message).first(kMaxPrefixBytes),
                                      message.size());

    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame.value().rows.offset, message.size() - image.data.bytes);
}

TEST(IncomingImage, WithLongTextsInFrontIsRefused)
{
    std::vector<std::byte> message(10'000);
    Writer writer(message);
    writer.number(std::uint64_t{1});
    writer.string(std::string(6000, 'x'));

    const auto frame = incoming_frame(MessageType::Image, std::span(message).first(kMaxPrefixBytes),
                                      message.size());

    ASSERT_FALSE(frame);
    EXPECT_NE(frame.error().message.find("longer than 4096 bytes"), std::string::npos)
        << frame.error().message;
}

TEST(ImageEncoding, KnowsNamedAndCountedOnes)
{
    EXPECT_EQ(image_encoding("bgra16"), (ImageEncoding{{1, 16}, 4}));
    EXPECT_EQ(image_encoding("32FC1"), (ImageEncoding{{2, 32}, 1}));
    EXPECT_EQ(image_encoding("16SC512"), (ImageEncoding{{0, 16}, 512}));
    for (const char* name : {"", "rgb", "8U", "8UC", "8UC0", "8UC01", "8UC513", "8UC-1", "8UC1 ",
                             "8UC99999999999", "128UC1", "8FC1"}) {
        EXPECT_FALSE(image_encoding(name)) << name;
    }
}

TEST(ImageEncoding, FollowsFromShapeAndDtype)
{
    EXPECT_EQ(encoding_of({4, 5}, kUint8), "mono8");
    EXPECT_EQ(encoding_of({4, 5, 3}, kUint8), "rgb8");
    EXPECT_EQ(encoding_of({4, 5, 2}, kUint8), "8UC2");
    EXPECT_EQ(encoding_of({4, 5}, {1, 16}), "16UC1");
    EXPECT_EQ(encoding_of({4, 5, 6}, {2, 32}), "32FC6");
    EXPECT_FALSE(encoding_of({4, 5}, {6, 8}));
    EXPECT_FALSE(encoding_of({4}, kUint8));
    EXPECT_FALSE(encoding_of({4, 5, 0}, kUint8));
}

Result<IncomingFrame> back_and_forth(MessageType type, const OutgoingFrame& frame,
                                     std::size_t bytes)
{
    auto envelope = envelope_of(type, frame);
    if (!envelope) {
        return envelope.error();
    }
    auto message = with_payload(envelope->prefix, bytes);
    message.insert(message.end(), envelope->tail.begin(), envelope->tail.end());
    auto back = incoming_frame(type, message, message.size());
    if (back && back->dense_at) {
        EXPECT_EQ(*back->dense_at, message.size() - 1);
        back->texts.emplace_back("is_dense", message.back() == std::byte{1} ? "1" : "0");
    }
    return back;
}

TEST(OutgoingImage, ComesBackAsItWas)
{
    const std::vector<UserMetadataEntry> texts{{"frame_id", "left"}, {"encoding", "bgr16"}};
    OutgoingFrame frame;
    frame.dtype = {1, 16};
    frame.shape = {4, 5, 3};
    frame.stamp_ns = 1'700'000'000'123'456'789U;
    frame.texts = texts;

    const auto back = back_and_forth(MessageType::Image, frame, 120);

    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back.value().shape, frame.shape);
    EXPECT_EQ(back.value().dtype, frame.dtype);
    EXPECT_EQ(back.value().captured_ns, frame.stamp_ns);
    EXPECT_EQ(text(back.value(), "encoding"), "bgr16");
    EXPECT_EQ(text(back.value(), "frame_id"), "left");
}

TEST(OutgoingImage, TakesOptionsBeforeTextsAndShapeAfterThem)
{
    const std::vector<UserMetadataEntry> texts{{"frame_id", "left"}, {"encoding", "rgb8"}};
    OutgoingFrame frame;
    frame.dtype = kUint8;
    frame.shape = {4, 5, 3};
    EXPECT_EQ(text(back_and_forth(MessageType::Image, frame, 60).value(), "encoding"), "rgb8");

    frame.texts = texts;
    frame.encoding = "bgr8";
    frame.frame_id = "right";
    const auto back = back_and_forth(MessageType::Image, frame, 60);

    EXPECT_EQ(text(back.value(), "encoding"), "bgr8");
    EXPECT_EQ(text(back.value(), "frame_id"), "right");
}

TEST(OutgoingImage, OfPlanesComesBackAsItWas)
{
    const std::vector<UserMetadataEntry> texts{{"encoding", "nv12"}, {"width", "6"}};
    OutgoingFrame frame;
    frame.dtype = kUint8;
    frame.shape = {6, 8};
    frame.texts = texts;

    const auto back = back_and_forth(MessageType::Image, frame, 48);

    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back.value().shape, frame.shape);
    EXPECT_EQ(text(back.value(), "width"), "6");
}

TEST(OutgoingImage, ThatIsNoSuchImageIsRefused)
{
    OutgoingFrame frame;
    frame.dtype = kUint8;
    frame.shape = {4, 5, 3};
    frame.encoding = "mono8";
    EXPECT_FALSE(envelope_of(MessageType::Image, frame));
    frame.encoding = "nonsense";
    EXPECT_FALSE(envelope_of(MessageType::Image, frame));
    frame.encoding = "";
    frame.stamp_ns = UINT64_MAX;
    EXPECT_FALSE(envelope_of(MessageType::Image, frame));
    frame.stamp_ns = 0;
    frame.shape = {4};
    EXPECT_FALSE(envelope_of(MessageType::Image, frame));
    frame.shape = {std::int64_t{1} << 33, 1};
    EXPECT_FALSE(envelope_of(MessageType::Image, frame));
    frame.shape = {70'000, 70'000};
    EXPECT_FALSE(envelope_of(MessageType::Image, frame)) << "a message has less than 4 GiB";
}

TEST(CompressedImages, AreTheBytesOfTheirFile)
{
    const std::vector<UserMetadataEntry> texts{{"frame_id", "cam"},
                                               {"format", "rgb8; jpeg compressed bgr8"}};
    OutgoingFrame frame;
    frame.dtype = kUint8;
    frame.shape = {1001};
    frame.texts = texts;

    const auto back = back_and_forth(MessageType::CompressedImage, frame, 1001);

    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back.value().shape, frame.shape);
    EXPECT_EQ(text(back.value(), "format"), "rgb8; jpeg compressed bgr8");

    frame.shape = {10, 10};
    EXPECT_FALSE(envelope_of(MessageType::CompressedImage, frame));
}

TEST(PointClouds, ComeBackAsTheyWere)
{
    const std::string fields = "x:f4:0,y:f4:4,z:f4:8,in tensity%3A:u2:12,n:f8x2:16";
    const std::vector<UserMetadataEntry> texts{{"fields", fields}, {"is_dense", "1"}};
    OutgoingFrame frame;
    frame.dtype = kUint8;
    frame.shape = {7, 32};
    frame.texts = texts;

    auto back = back_and_forth(MessageType::PointCloud2, frame, 7 * 32);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back.value().shape, frame.shape);
    EXPECT_EQ(text(back.value(), "fields"), fields);
    EXPECT_EQ(text(back.value(), "is_dense"), "1");

    frame.shape = {3, 7, 32};
    back = back_and_forth(MessageType::PointCloud2, frame, std::size_t{3} * 7 * 32);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back.value().shape, frame.shape);

    frame.shape = {0, 32};
    back = back_and_forth(MessageType::PointCloud2, frame, 0);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back.value().shape, frame.shape);
}

TEST(PointClouds, OfThreeFloatsAreXyz)
{
    OutgoingFrame frame;
    frame.dtype = {2, 32};
    frame.shape = {7, 3};

    const auto back = back_and_forth(MessageType::PointCloud2, frame, 84);

    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(text(back.value(), "fields"), "x:f4:0,y:f4:4,z:f4:8");
    EXPECT_EQ(back.value().shape, (Shape{7, 12}));
    EXPECT_EQ(text(back.value(), "is_dense"), "0");

    frame.shape = {7, 4};
    EXPECT_FALSE(envelope_of(MessageType::PointCloud2, frame)) << "what is the fourth?";
}

TEST(PointClouds, WithPaddedRowsLoseThePadding)
{
    PointCloud2 cloud;
    cloud.height = 2;
    cloud.width = 3;
    cloud.is_bigendian = kIsBig;
    cloud.point_step = 4;
    cloud.row_step = 16;
    cloud.fields = {{"i", 0, 7, 0}};
    cloud.data.bytes = 32;
    const auto message = with_payload(write_prefix(cloud), 32, 1);

    const auto frame = incoming_frame(MessageType::PointCloud2, message, message.size());

    ASSERT_TRUE(frame) << frame.error().message;
    EXPECT_EQ(frame.value().shape, (Shape{2, 3, 4}));
    EXPECT_EQ(frame.value().rows.bytes, 12U);
    EXPECT_EQ(frame.value().rows.step, 16U);
    EXPECT_EQ(text(frame.value(), "fields"), "i:f4:0");
}

TEST(PointClouds, ThatContradictThemselvesAreRefused)
{
    PointCloud2 sound;
    sound.height = 1;
    sound.width = 3;
    sound.is_bigendian = kIsBig;
    sound.point_step = 8;
    sound.row_step = 24;
    sound.fields = {{"x", 0, 7, 1}, {"y", 4, 7, 1}};
    sound.data.bytes = 24;
    const auto is_taken = [](const PointCloud2& cloud) {
        const auto message = with_payload(write_prefix(cloud), cloud.data.bytes, 1);
        return incoming_frame(MessageType::PointCloud2, message, message.size()).ok();
    };
    ASSERT_TRUE(is_taken(sound));

    PointCloud2 foreign = sound;
    foreign.is_bigendian = !kIsBig;
    EXPECT_FALSE(is_taken(foreign));
    PointCloud2 behind = sound;
    behind.fields[1].offset = 5;
    EXPECT_FALSE(is_taken(behind));
    PointCloud2 twice = sound;
    twice.fields[1].name = "x";
    EXPECT_FALSE(is_taken(twice));
    PointCloud2 strange = sound;
    strange.fields[0].datatype = 9;
    EXPECT_FALSE(is_taken(strange));
    PointCloud2 narrow = sound;
    narrow.row_step = 23;
    narrow.data.bytes = 23;
    EXPECT_FALSE(is_taken(narrow));
    PointCloud2 huge_count = sound;
    huge_count.fields[0].count = 0xffffffffU;
    EXPECT_FALSE(is_taken(huge_count));
    PointCloud2 many = sound;
    many.fields.assign(kMaxPointFields + 1, {"", 0, 2, 1});
    EXPECT_FALSE(is_taken(many));
}

TEST(PointFields, RefuseTextsThatAreNone)
{
    for (const char* wrong : {"x", "x:f4", "x:f4:", "x:f4:0,", "x:f2:0", "x:f4x:0", "x:f4x0x:0",
                              "x:f4:-1", "x:f4:99999999999", "x:f4:30", ",", "x:f4:0:0"}) {
        EXPECT_FALSE(fields_of_text(wrong, 32)) << wrong;
    }
    EXPECT_TRUE(fields_of_text("", 32));
}

TEST(MessageTypes, HaveThreeSpellings)
{
    EXPECT_EQ(message_type("sensor_msgs/msg/Image"), MessageType::Image);
    EXPECT_EQ(message_type("sensor_msgs.msg.PointCloud2"), MessageType::PointCloud2);
    EXPECT_EQ(message_type("CompressedImage"), MessageType::CompressedImage);
    EXPECT_FALSE(message_type("sensor_msgs/msg/Imu"));
    EXPECT_FALSE(message_type(""));
}

}  // namespace
}  // namespace tensor_ipc::cdr
