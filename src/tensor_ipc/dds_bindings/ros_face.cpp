/// ros/ as Python sees it: tensor_ipc.rosext.native is its only user.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string_view.h>

#include "tensor_ipc/dds_bindings/dds_bindings.hpp"
#include "tensor_ipc/ros/ros.hpp"

namespace tensor_ipc::bindings {

namespace {

std::shared_ptr<dds::Participant> join_ros(std::optional<std::uint32_t> domain)
{
    const auto options = unwrap(ros::participant_options(domain));
    const nb::gil_scoped_release unlocked;
    auto joined = dds::Participant::shared(options);
    const nb::gil_scoped_acquire locked;
    return unwrap(std::move(joined));
}

cdr::MessageType type_of(std::string_view name)
{
    const auto type = cdr::message_type(name);
    if (!type) {
        raise(Error{ErrorCode::InvalidArgument,
                    "the native engine takes sensor_msgs/msg/Image, CompressedImage and "
                    "PointCloud2, not '" +
                        printable(name) +
                        "': use ROSTensorConsumer or ROSTensorProducer, with rclpy"});
    }
    return *type;
}

ros::TopicToPool open_topic(std::shared_ptr<dds::Participant> participant, const std::string& topic,
                            const std::string& pool, std::string_view type, std::uint32_t depth,
                            bool reliable, bool transient_local, std::string encoding,
                            std::uint32_t history_len, std::uint32_t spare,
                            const std::optional<std::vector<std::int64_t>>& shape,
                            const std::string& dtype, bool varying_extent, std::uint64_t capacity,
                            bool follow_changes, double rate_limit_hz)
{
    ros::TopicToPoolOptions options;
    options.type = type_of(type);
    options.qos = {depth, reliable, transient_local};
    options.encoding = std::move(encoding);
    options.history_len = history_len;
    options.spare = spare;
    if (shape) {
        options.metadata =
            metadata_of(pool, *shape, dtype, history_len, "numpy", "cpu", varying_extent);
    }
    options.capacity = capacity;
    options.follow_changes = follow_changes;
    options.rate_limit_hz = rate_limit_hz;
    return unwrap(ros::TopicToPool::open(std::move(participant), topic, pool, options));
}

ros::PoolToTopic open_pool(std::shared_ptr<dds::Participant> participant, const std::string& pool,
                           const std::string& topic, std::string_view type, std::uint32_t depth,
                           bool reliable, bool transient_local, std::string encoding,
                           std::string frame_id, bool stamp_publication, double rate_limit_hz)
{
    ros::PoolToTopicOptions options;
    options.type = type_of(type);
    options.qos = {depth, reliable, transient_local};
    options.encoding = std::move(encoding);
    options.frame_id = std::move(frame_id);
    options.stamp_publication = stamp_publication;
    options.rate_limit_hz = rate_limit_hz;
    return unwrap(ros::PoolToTopic::open(std::move(participant), pool, topic, options));
}

/// `(messages, frames, conversion_errors, refused, limited, incompatible_qos, pools, publishers)`.
nb::tuple topic_stats(const ros::TopicToPool& link)
{
    const auto stats = link.stats();
    return nb::make_tuple(stats.messages, stats.frames, stats.conversion_errors, stats.refused,
                          stats.limited, stats.incompatible_qos, stats.pools, stats.publishers);
}

/// `(frames, messages, missed, conversion_errors, publish_errors, limited, incompatible_qos,
/// copied_frames, subscriptions)`.
nb::tuple pool_stats(const ros::PoolToTopic& link)
{
    const auto stats = link.stats();
    return nb::make_tuple(stats.frames, stats.messages, stats.missed, stats.conversion_errors,
                          stats.publish_errors, stats.limited, stats.incompatible_qos,
                          stats.copied_frames, stats.subscriptions);
}

}  // namespace

void add_ros(nb::module_& module)
{
    module.def("join_ros", &join_ros, nb::arg("domain").none() = nb::none());
    nb::class_<ros::TopicToPool>(module, "TopicToPool")
        .def("close", &ros::TopicToPool::close, nb::call_guard<nb::gil_scoped_release>())
        .def("stats", &topic_stats)
        .def("last_error", &ros::TopicToPool::last_error)
        .def("parts", [](const ros::TopicToPool& link) {
            const auto metadata = link.metadata();
            return metadata ? nb::object(parts_of(*metadata)) : nb::object(nb::none());
        });
    nb::class_<ros::PoolToTopic>(module, "PoolToTopic")
        .def("close", &ros::PoolToTopic::close, nb::call_guard<nb::gil_scoped_release>())
        .def("stats", &pool_stats)
        .def("last_error", &ros::PoolToTopic::last_error);
    module.def("open_topic", &open_topic, nb::arg("participant"), nb::arg("topic"), nb::arg("pool"),
               nb::arg("type"), nb::arg("depth"), nb::arg("reliable"), nb::arg("transient_local"),
               nb::arg("encoding"), nb::arg("history_len"), nb::arg("spare"),
               nb::arg("shape").none(), nb::arg("dtype"), nb::arg("varying_extent"),
               nb::arg("capacity"), nb::arg("follow_changes"), nb::arg("rate_limit_hz"));
    module.def("open_pool", &open_pool, nb::arg("participant"), nb::arg("pool"), nb::arg("topic"),
               nb::arg("type"), nb::arg("depth"), nb::arg("reliable"), nb::arg("transient_local"),
               nb::arg("encoding"), nb::arg("frame_id"), nb::arg("stamp_publication"),
               nb::arg("rate_limit_hz"));
}

}  // namespace tensor_ipc::bindings
