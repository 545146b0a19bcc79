// Topics and pools in one process, by shared memory of the process and by the network.
#include <bit>

#include "ros/ros_test.hpp"

namespace tensor_ipc::ros {
namespace {

using namespace testing;  // NOLINT(*-using-namespace)

constexpr bool kIsBig = std::endian::native == std::endian::big;

/// What is sent just before both ends have found each other arrives too.
constexpr QoS kKept{.depth = 10, .reliable = true, .transient_local = true};

/// A topic whose messages go into a pool, and a writer at its other end: of the same participant,
/// or of one that has to send datagrams.
class Links : public PoolTest, public ::testing::WithParamInterface<bool> {
protected:
    [[nodiscard]] std::shared_ptr<dds::Participant> near() const
    {
        return participant(test_domain(), true);
    }

    [[nodiscard]] std::shared_ptr<dds::Participant> far() const
    {
        return participant(test_domain(), !GetParam());
    }

    TopicToPool subscribe(TopicToPoolOptions options = {})
    {
        options.qos = kKept;
        return must(TopicToPool::open(near(), topic_, name_, options));
    }

    /// Publishes a pool on the topic.
    PoolToTopic publish(const std::string& pool)
    {
        PoolToTopicOptions options;
        options.qos = kKept;
        return must(PoolToTopic::open(far(), pool, topic_, options));
    }

    /// A writer that has found the subscription.
    Endpoint advertise(cdr::MessageType type = cdr::MessageType::Image)
    {
        Endpoint writer = must(Endpoint::writer(far(), topic_, type, kKept));
        EXPECT_TRUE(eventually([&] { return writer.matched() == 1; }));
        return writer;
    }

    [[nodiscard]] std::optional<Frame> newest() const
    {
        auto consumer = Consumer::attach(name_);
        return consumer ? must(consumer->latest()) : std::nullopt;
    }

    /// Waits until so many messages have come.
    static void await_messages(const TopicToPool& link, std::uint64_t count)
    {
        EXPECT_TRUE(eventually([&] { return link.stats().messages >= count; }))
            << link.stats().messages << " of " << count;
    }

    std::string topic_ = "/test_" + std::to_string(::getpid()) + "_" + std::to_string(topics_++);

private:
    static inline int topics_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Both, Links, ::testing::Bool(), [](const auto& info) {
    return info.param ? "ByDatagrams" : "WithinAParticipant";
});

cdr::Image image_of(std::uint32_t height, std::uint32_t width, std::string_view encoding,
                    std::uint32_t step)
{
    cdr::Image image;
    image.header = {100, 7, "camera"};
    image.height = height;
    image.width = width;
    image.encoding = encoding;
    image.is_bigendian = kIsBig;
    image.step = step;
    image.data.bytes = std::size_t{height} * step;
    return image;
}

/// A message with a payload of its own, which Cyclone DDS may need beyond write().
OutgoingMessage raw_message(std::vector<std::byte> prefix, std::span<const std::byte> payload,
                            std::vector<std::byte> tail = {})
{
    const auto kept = std::make_shared<std::vector<std::byte>>(payload.begin(), payload.end());
    return {std::move(prefix), *kept, std::move(tail), kept};
}

template <typename Message>
OutgoingMessage message_of(const Message& message, std::span<const std::byte> payload,
                           std::vector<std::byte> tail = {})
{
    return raw_message(must(cdr::write_prefix(message)), payload, std::move(tail));
}

TEST_P(Links, FirstMessageMakesThePool)
{
    const TopicToPool link = subscribe();
    const Endpoint writer = advertise();
    const auto pixels = pattern(480 * 640 * 3, 1);
    EXPECT_FALSE(link.metadata());

    must(writer.write(message_of(image_of(480, 640, "bgr8", 1920), pixels)));

    await_messages(link, 1);
    EXPECT_EQ(link.stats().frames, 1U) << link.last_error();
    const Frame frame = *newest();
    EXPECT_EQ(frame.metadata().shape, (Shape{480, 640, 3}));
    EXPECT_TRUE(same(frame.bytes(), pixels));
    EXPECT_EQ(frame.info().captured_ns, 100'000'000'007U);
    EXPECT_EQ(text_of(frame, "encoding"), "bgr8");
    EXPECT_EQ(text_of(frame, "frame_id"), "camera");
}

TEST_P(Links, PaddingIsLeftOutAndForeignBytesAreSwapped)
{
    const TopicToPool link = subscribe();
    const Endpoint writer = advertise();
    cdr::Image image = image_of(300, 200, "mono16", 413);
    image.is_bigendian = !kIsBig;
    const auto pixels = pattern(image.data.bytes, 2);

    must(writer.write(message_of(image, pixels)));

    await_messages(link, 1);
    ASSERT_EQ(link.stats().frames, 1U) << link.last_error();
    const Frame frame = *newest();
    ASSERT_EQ(frame.metadata().shape, (Shape{300, 200}));
    for (std::size_t row = 0; row < 300; ++row) {
        for (std::size_t i = 0; i < 400; ++i) {
            ASSERT_EQ(frame.bytes()[row * 400 + i], pixels[row * 413 + (i ^ 1U)]);
        }
    }
}

TEST_P(Links, MessagesThatAreNoneAreCountedAndTheNextIsTaken)
{
    const TopicToPool link = subscribe();
    const Endpoint writer = advertise();
    const auto bytes = pattern(100'000, 3);
    // Cyclone DDS itself drops what does not begin like a message.
    const std::vector<std::byte> plain_cdr{{}, std::byte{1}, {}, {}};

    must(writer.write(raw_message(plain_cdr, std::span(bytes).first(40))));
    must(writer.write(raw_message(plain_cdr, bytes)));
    must(writer.write(message_of(image_of(10, 10, "rgb8", 30), std::span(bytes).first(290))));
    must(writer.write(message_of(image_of(10, 10, "nonsense", 30), std::span(bytes).first(300))));
    must(writer.write(message_of(image_of(10, 10, "rgb8", 30), std::span(bytes).first(300))));

    await_messages(link, 5);
    EXPECT_EQ(link.stats().conversion_errors, 4U);
    EXPECT_EQ(link.stats().frames, 1U);
    EXPECT_NE(link.last_error(), "");
}

TEST_P(Links, AnotherShapeIsRefusedUnlessChangesAreFollowed)
{
    const auto pixels = pattern(1200, 4);
    for (const bool follow : {false, true}) {
        TopicToPoolOptions options;
        options.follow_changes = follow;
        const TopicToPool link = subscribe(options);
        const Endpoint writer = advertise();
        must(writer.write(message_of(image_of(10, 10, "rgb8", 30), std::span(pixels).first(300))));

        must(writer.write(message_of(image_of(20, 20, "rgb8", 60), pixels)));

        await_messages(link, 2);
        EXPECT_EQ(link.stats().frames, follow ? 2U : 1U);
        EXPECT_EQ(link.stats().conversion_errors, follow ? 0U : 1U);
        EXPECT_EQ(link.stats().pools, follow ? 2U : 1U);
        EXPECT_EQ(newest()->metadata().shape, (follow ? Shape{20, 20, 3} : Shape{10, 10, 3}));
    }
}

TEST_P(Links, OnlyTheEncodingThatWasAskedForIsTaken)
{
    TopicToPoolOptions options;
    options.encoding = "rgb8";
    options.metadata = image_pool(name_, {10, 10, 3});
    const TopicToPool link = subscribe(options);
    ASSERT_TRUE(link.metadata());
    const Endpoint writer = advertise();
    const auto pixels = pattern(300, 5);

    must(writer.write(message_of(image_of(10, 10, "bgr8", 30), pixels)));
    must(writer.write(message_of(image_of(10, 10, "rgb8", 30), pixels)));

    await_messages(link, 2);
    EXPECT_EQ(link.stats().frames, 1U);
    EXPECT_EQ(link.stats().conversion_errors, 1U);
}

TEST_P(Links, CloudsKeepTheirNumberOfPoints)
{
    TopicToPoolOptions options;
    options.type = cdr::MessageType::PointCloud2;
    options.capacity = 5000;
    const TopicToPool link = subscribe(options);
    const Endpoint writer = advertise(cdr::MessageType::PointCloud2);
    cdr::PointCloud2 cloud;
    cloud.height = 1;
    cloud.is_bigendian = kIsBig;
    cloud.point_step = 16;
    cloud.fields = {{"x", 0, 7, 1}, {"i", 12, 4, 1}};

    std::uint64_t sent = 0;
    for (const std::uint32_t points : {5000U, 0U, 1U, 5001U, 4097U}) {
        cloud.width = points;
        cloud.row_step = points * 16;
        cloud.data.bytes = cloud.row_step;
        const auto bytes = pattern(cloud.data.bytes, points);
        must(writer.write(message_of(cloud, bytes, {std::byte{1}})));
        await_messages(link, ++sent);
        const Frame frame = *newest();
        if (points <= 5000) {
            EXPECT_TRUE(same(frame.bytes(), bytes));
            EXPECT_EQ(text_of(frame, "fields"), "x:f4:0,i:u2:12");
            EXPECT_EQ(text_of(frame, "is_dense"), "1");
        }
    }
    EXPECT_EQ(link.stats().frames, 4U);
    EXPECT_EQ(link.stats().conversion_errors, 1U) << "5001 points have no room";
}

TEST_P(Links, FilesMayBeLongerThanTheFirst)
{
    TopicToPoolOptions options;
    options.type = cdr::MessageType::CompressedImage;
    const TopicToPool link = subscribe(options);
    const Endpoint writer = advertise(cdr::MessageType::CompressedImage);
    cdr::CompressedImage image;
    image.format = "jpeg";

    for (const std::size_t bytes : {1000, 1500, 3, 1501}) {
        image.data.bytes = bytes;
        const auto file = pattern(bytes, bytes);
        must(writer.write(message_of(image, file)));
    }

    await_messages(link, 4);
    EXPECT_EQ(link.stats().frames, 3U);
    EXPECT_TRUE(same(newest()->bytes(), pattern(3, 3)));
    EXPECT_EQ(text_of(*newest(), "format"), "jpeg");
}

TEST_P(Links, APoolThatIsTakenRefusesUntilItIsFree)
{
    std::optional<Producer> other = must(Producer::create(image_pool(name_, {10, 10, 3})));
    const TopicToPool link = subscribe();
    const Endpoint writer = advertise();
    const auto pixels = pattern(300, 6);
    must(writer.write(message_of(image_of(10, 10, "rgb8", 30), pixels)));
    await_messages(link, 1);
    EXPECT_EQ(link.stats().refused, 1U);
    EXPECT_NE(link.last_error().find(name_), std::string::npos) << link.last_error();

    other.reset();
    must(writer.write(message_of(image_of(10, 10, "rgb8", 30), pixels)));

    await_messages(link, 2);
    EXPECT_EQ(link.stats().frames, 1U);
    EXPECT_TRUE(same(newest()->bytes(), pixels));
}

TEST_P(Links, ClosedGivesThePoolBackAndTakesNothing)
{
    TopicToPool link = subscribe();
    const Endpoint writer = advertise();
    const auto pixels = pattern(300, 7);
    must(writer.write(message_of(image_of(10, 10, "rgb8", 30), pixels)));
    await_messages(link, 1);
    const Frame held = *newest();

    link.close();

    EXPECT_FALSE(newest());
    EXPECT_TRUE(eventually([&] { return writer.matched() == 0; }));
    must(writer.write(message_of(image_of(10, 10, "rgb8", 30), pixels)));
    EXPECT_EQ(link.stats().messages, 1U);
    EXPECT_TRUE(same(held.bytes(), pixels));
    link.close();
}

TEST_P(Links, ABestEffortWriterDoesNotServeAReliableSubscription)
{
    const TopicToPool link = must(TopicToPool::open(near(), topic_, name_, {}));
    QoS best_effort;
    best_effort.reliable = false;

    const Endpoint writer =
        must(Endpoint::writer(far(), topic_, cdr::MessageType::Image, best_effort));

    EXPECT_TRUE(eventually([&] { return link.stats().incompatible_qos == 1; }));
    EXPECT_TRUE(eventually([&] { return writer.incompatible() == 1; }));
    EXPECT_EQ(link.stats().publishers, 0U);
}

TEST_P(Links, ALateSubscriptionGetsWhatIsKept)
{
    QoS kept;
    kept.depth = 2;
    kept.transient_local = true;
    const Endpoint writer = must(Endpoint::writer(far(), topic_, cdr::MessageType::Image, kept));
    const auto pixels = pattern(480 * 640 * 3, 8);
    for (int i = 0; i < 4; ++i) {
        must(writer.write(message_of(image_of(480, 640, "rgb8", 1920), pixels)));
    }

    TopicToPoolOptions options;
    options.qos = kept;
    const TopicToPool link = must(TopicToPool::open(near(), topic_, name_, options));

    await_messages(link, 2);
    EXPECT_EQ(link.stats().frames, 2U) << link.last_error();
    EXPECT_TRUE(same(newest()->bytes(), pixels));
}

TEST_P(Links, AnImpossiblePoolOrTopicIsRefused)
{
    EXPECT_FALSE(TopicToPool::open(near(), "/a b", name_, {}));
    EXPECT_FALSE(TopicToPool::open(near(), topic_, "", {}));
    EXPECT_FALSE(PoolToTopic::open(near(), "", topic_, {}));
    EXPECT_FALSE(PoolToTopic::open(near(), name_, "//", {}));
    TopicToPoolOptions none;
    none.qos.depth = 0;
    EXPECT_FALSE(TopicToPool::open(near(), topic_, name_, none));
    TopicToPoolOptions taken;
    taken.metadata = image_pool(name_, {10, 10, 3});
    const Producer other = must(Producer::create(*taken.metadata));
    const auto refused = TopicToPool::open(near(), topic_, name_, taken);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::PoolInUse);
}

TEST_P(Links, AFrameGoesOutAndComesBackAsItWas)
{
    const std::string source = unique_pool_name();
    const Shape shape{1080, 1920, 3};
    Producer producer = must(Producer::create(image_pool(source, shape)));
    const TopicToPool in = subscribe();
    const PoolToTopic out = publish(source);
    ASSERT_TRUE(eventually([&] { return out.stats().subscriptions == 1; }));
    const std::vector<UserMetadataEntry> texts{{"frame_id", "left"}, {"encoding", "bgr8"}};

    for (std::uint64_t i = 1; i <= 10; ++i) {
        const auto pixels = pattern(1080 * 1920 * 3, i);
        PublishOptions options;
        options.captured_ns = i * 1'000'000'001;
        options.user_metadata = texts;
        must(producer.put(pixels, options));
        await_messages(in, i);
        const Frame frame = *newest();
        ASSERT_EQ(frame.metadata().shape, shape);
        ASSERT_TRUE(same(frame.bytes(), pixels)) << i;
        EXPECT_EQ(frame.info().captured_ns, i * 1'000'000'001);
        EXPECT_EQ(text_of(frame, "frame_id"), "left");
        EXPECT_EQ(text_of(frame, "encoding"), "bgr8");
    }
    EXPECT_EQ(in.stats().frames, 10U) << in.last_error();
    EXPECT_TRUE(eventually([&] { return out.stats().messages == 10; })) << out.last_error();
}

TEST_P(Links, AFrameWithoutATimeOfCaptureGetsTheTimeOfDay)
{
    const std::string source = unique_pool_name();
    Producer producer = must(Producer::create(image_pool(source, {10, 10})));
    const TopicToPool in = subscribe();
    const PoolToTopic out = publish(source);
    ASSERT_TRUE(eventually([&] { return out.stats().subscriptions == 1; }));
    const std::uint64_t before = os::realtime_ns();

    must(producer.put(pattern(100, 1)));

    await_messages(in, 1);
    const Frame frame = *newest();
    EXPECT_GE(frame.info().captured_ns, before);
    EXPECT_LE(frame.info().captured_ns, os::realtime_ns());
    EXPECT_EQ(text_of(frame, "encoding"), "mono8");
}

TEST_P(Links, APoolThatComesLaterOrAgainIsPublished)
{
    const std::string source = unique_pool_name();
    const TopicToPool in = subscribe();
    const PoolToTopic out = publish(source);
    ASSERT_TRUE(eventually([&] { return out.stats().subscriptions == 1; }));

    for (std::uint64_t life = 1; life <= 3; ++life) {
        Producer producer = must(Producer::create(image_pool(source, {10, 10})));
        const auto pixels = pattern(100, life);
        must(producer.put(pixels));
        await_messages(in, life);
        EXPECT_TRUE(same(newest()->bytes(), pixels));
    }
    EXPECT_EQ(in.stats().frames, 3U);
}

TEST_P(Links, AFrameThatIsNoSuchMessageIsCounted)
{
    const std::string source = unique_pool_name();
    Producer producer = must(Producer::create(image_pool(source, {10, 10}, "complex64")));
    const PoolToTopic out = publish(source);

    must(producer.put(pattern(800, 1)));

    EXPECT_TRUE(eventually([&] { return out.stats().conversion_errors == 1; }));
    EXPECT_NE(out.last_error().find("complex64"), std::string::npos) << out.last_error();
}

}  // namespace
}  // namespace tensor_ipc::ros
