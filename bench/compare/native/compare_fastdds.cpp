/// Fast DDS: a plain type of fixed size, so that data sharing and loans apply.
#include <fastdds/dds/core/LoanableSequence.hpp>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/dds/topic/TypeSupport.hpp>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>
#include <fastdds/rtps/transport/shared_mem/SharedMemTransportDescriptor.h>

#include "bench/compare/native/harness.hpp"

namespace {

using namespace compare;
namespace dds = eprosima::fastdds::dds;
namespace rtps = eprosima::fastrtps::rtps;

constexpr std::uint32_t kDomain = 104;

/// Frames that the writer keeps; with data sharing readers read them there.
constexpr std::int32_t kDepth = 8;

/// Bytes as they are, behind the four bytes of encapsulation that every payload has.
class FrameType : public dds::TopicDataType {
public:
    explicit FrameType(std::size_t frame_bytes) : frame_bytes_(frame_bytes)
    {
        setName(("Frame" + std::to_string(frame_bytes)).c_str());
        m_typeSize = static_cast<std::uint32_t>(frame_bytes + 4);
        auto_fill_type_object(false);
        auto_fill_type_information(false);
    }

    bool serialize(void* data, rtps::SerializedPayload_t* payload) override
    {
        constexpr std::array<unsigned char, 4> kLittleEndian{0, 1, 0, 0};
        std::memcpy(payload->data, kLittleEndian.data(), 4);
        std::memcpy(payload->data + 4, data, frame_bytes_);
        payload->encapsulation = CDR_LE;
        payload->length = m_typeSize;
        return true;
    }

    bool deserialize(rtps::SerializedPayload_t* payload, void* data) override
    {
        std::memcpy(data, payload->data + 4, frame_bytes_);
        return true;
    }

    std::function<std::uint32_t()> getSerializedSizeProvider(void*) override
    {
        return [size = m_typeSize] { return size; };
    }

    void* createData() override { return ::operator new(frame_bytes_); }

    void deleteData(void* data) override { ::operator delete(data); }

    bool getKey(void*, rtps::InstanceHandle_t*, bool) override { return false; }

    [[nodiscard]] bool is_bounded() const override { return true; }

    [[nodiscard]] bool is_plain() const override { return true; }

    bool construct_sample(void*) const override { return true; }

private:
    std::size_t frame_bytes_;
};

/// Loopback and shared memory only.
class Participant {
public:
    explicit Participant(const Job& job) : type_(new FrameType(job.frame_bytes))
    {
        dds::DomainParticipantQos qos;
        qos.transport().use_builtin_transports = false;
        auto udp = std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>();
        udp->interfaceWhiteList.emplace_back("127.0.0.1");
        auto shared = std::make_shared<eprosima::fastdds::rtps::SharedMemTransportDescriptor>();
        shared->segment_size(4 * 1024 * 1024);
        qos.transport().user_transports = {shared, udp};
        participant =
            dds::DomainParticipantFactory::get_instance()->create_participant(kDomain, qos);
        if (participant == nullptr) {
            fail("Fast DDS: no participant");
        }
        type_.register_type(participant);
        topic = participant->create_topic(job.name, type_.get_type_name(), dds::TOPIC_QOS_DEFAULT);
    }

    Participant(const Participant&) = delete;
    Participant& operator=(const Participant&) = delete;

    ~Participant()
    {
        participant->delete_contained_entities();
        dds::DomainParticipantFactory::get_instance()->delete_participant(participant);
    }

    dds::DomainParticipant* participant = nullptr;
    dds::Topic* topic = nullptr;

private:
    dds::TypeSupport type_;
};

struct FastDds {
    struct Publisher {
        explicit Publisher(const Job& job) : of(job)
        {
            dds::DataWriterQos qos;
            qos.history().depth = kDepth;
            qos.data_sharing().automatic();
            writer = of.participant->create_publisher(dds::PUBLISHER_QOS_DEFAULT)
                         ->create_datawriter(of.topic, qos);
            if (writer == nullptr) {
                fail("Fast DDS: no writer");
            }
        }

        void put(Frame frame)
        {
            fill([&](std::byte* sample) { std::memcpy(sample, frame.data(), frame.size()); });
        }

        template <typename Write>
        void fill(Write&& write)
        {
            void* sample = nullptr;
            if (writer->loan_sample(sample) != ReturnCode_t::RETCODE_OK) {
                fail("Fast DDS: no sample to loan");
            }
            write(static_cast<std::byte*>(sample));
            writer->write(sample);
        }

        Participant of;
        dds::DataWriter* writer = nullptr;
    };

    struct Subscriber {
        Subscriber(const Job& job, std::uint32_t) : of(job), frame_bytes(job.frame_bytes)
        {
            dds::DataReaderQos qos;
            qos.reliability().kind = dds::RELIABLE_RELIABILITY_QOS;
            qos.history().depth = 1;
            qos.data_sharing().automatic();
            reader = of.participant->create_subscriber(dds::SUBSCRIBER_QOS_DEFAULT)
                         ->create_datareader(of.topic, qos);
            if (reader == nullptr) {
                fail("Fast DDS: no reader");
            }
        }

        ~Subscriber() { give_back(); }

        Frame get(std::uint64_t timeout_ns)
        {
            give_back();
            const auto nanoseconds = static_cast<std::uint32_t>(timeout_ns % 1'000'000'000U);
            if (!reader->wait_for_unread_message({0, nanoseconds})) {
                return {};
            }
            if (reader->take(samples, infos, 1) != ReturnCode_t::RETCODE_OK) {
                return {};
            }
            holds = true;
            if (samples.length() == 0 || !infos[0].valid_data) {
                return {};
            }
            return {static_cast<const std::byte*>(samples.buffer()[0]), frame_bytes};
        }

        /// The writer goes round its history, and over what a reader has on loan.
        bool still_valid() { return reader->is_sample_valid(samples.buffer()[0], &infos[0]); }

        void give_back()
        {
            if (holds) {
                reader->return_loan(samples, infos);
                holds = false;
            }
        }

        Participant of;
        dds::DataReader* reader = nullptr;
        std::size_t frame_bytes;
        dds::LoanableSequence<std::byte> samples;
        dds::SampleInfoSeq infos;
        bool holds = false;
    };
};

}  // namespace

int main(int argc, char** argv)
{
    return compare::run<FastDds>(argc, argv);
}
