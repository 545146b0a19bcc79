// Written for Cyclone DDS 0.10: its inner types have no promise of stability, and have other names
// in 11. CMake builds ros/ only where it finds 0.10. The layout of a sertype follows what
// rmw_cyclonedds_cpp does with the same interface.
#include "tensor_ipc/ros/serialized_type.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dds/dds.h>
#include <dds/ddsi/ddsi_serdata.h>
#include <dds/ddsi/ddsi_sertype.h>
#include <dds/ddsi/q_radmin.h>
#include <utility>

#include "tensor_ipc/dds/return_code.hpp"

namespace tensor_ipc::ros {

namespace {

/// The type of one topic entity, and who receives its messages. Nobody for those that write.
struct SerializedType : ddsi_sertype {
    std::shared_ptr<MessageReceiver> receiver;
};

/// A message that goes out, or what is left of one that arrived: nothing.
struct SerializedData : ddsi_serdata {
    OutgoingMessage message;

    [[nodiscard]] std::size_t bytes() const noexcept
    {
        return message.prefix.size() + message.payload.size() + message.tail.size();
    }
};

const SerializedType& type_of(const ddsi_sertype* type) noexcept
{
    return *static_cast<const SerializedType*>(type);  // NOLINT(*-static-cast-downcast)
}

const SerializedData& data_of(const ddsi_serdata* data) noexcept
{
    return *static_cast<const SerializedData*>(data);  // NOLINT(*-static-cast-downcast)
}

SerializedData* make_data(const ddsi_sertype* type, ddsi_serdata_kind kind)
{
    auto* data = new SerializedData();  // NOLINT(*-owning-memory): counted by Cyclone DDS
    ddsi_serdata_init(data, type, kind);
    return data;
}

/// Copies bytes of `data` from `at` on. Zeros behind its end, up to which RTPS fills.
void copy_out(const SerializedData& data, std::size_t at, std::span<std::byte> to) noexcept
{
    for (const std::span<const std::byte> part :
         {std::span<const std::byte>(data.message.prefix), data.message.payload,
          std::span<const std::byte>(data.message.tail)}) {
        if (at < part.size() && !to.empty()) {
            const std::size_t count = std::min(part.size() - at, to.size());
            std::memcpy(to.data(), part.data() + at, count);
            to = to.subspan(count);
            at = 0;
        } else {
            at -= std::min(at, part.size());
        }
    }
    std::ranges::fill(to, std::byte{0});
}

extern "C" {

// --- messages ---------------------------------------------------------------------------------

bool data_equals_key(const ddsi_serdata* /*a*/, const ddsi_serdata* /*b*/)
{
    return true;  // topics of ROS have no keys
}

uint32_t data_size(const ddsi_serdata* data)
{
    return static_cast<uint32_t>(data_of(data).bytes());
}

/// Called once for each message and reader, when all of it has arrived.
ddsi_serdata* data_from_network(const ddsi_sertype* type, ddsi_serdata_kind kind,
                                const nn_rdata* fragment, std::size_t bytes)
{
    if (kind == SDK_DATA && type_of(type).receiver) {
        static thread_local std::vector<Piece> pieces;
        pieces.clear();
        for (; fragment != nullptr; fragment = fragment->nextfrag) {
            const unsigned char* const payload =
                NN_RMSG_PAYLOADOFF(fragment->rmsg, NN_RDATA_PAYLOAD_OFF(fragment));
            pieces.push_back({fragment->min,
                              std::as_bytes(std::span(payload, fragment->maxp1 - fragment->min))});
        }
        type_of(type).receiver->receive(pieces, bytes);
    }
    return make_data(type, kind);
}

/// As data_from_network, for a writer of this process.
ddsi_serdata* data_from_memory(const ddsi_sertype* type, ddsi_serdata_kind kind,
                               ddsrt_msg_iovlen_t count, const ddsrt_iovec_t* parts,
                               std::size_t bytes)
{
    if (kind == SDK_DATA && type_of(type).receiver) {
        std::vector<Piece> pieces;
        std::size_t at = 0;
        for (const ddsrt_iovec_t& part : std::span(parts, count)) {
            const std::size_t usable = std::min<std::size_t>(part.iov_len, bytes - at);
            pieces.push_back({at, {static_cast<const std::byte*>(part.iov_base), usable}});
            at += usable;
        }
        type_of(type).receiver->receive(pieces, bytes);
    }
    return make_data(type, kind);
}

ddsi_serdata* data_from_key_hash(const ddsi_sertype* type, const ddsi_keyhash* /*hash*/)
{
    return make_data(type, SDK_KEY);
}

/// @param sample  an OutgoingMessage
ddsi_serdata* data_from_sample(const ddsi_sertype* type, ddsi_serdata_kind kind, const void* sample)
{
    SerializedData* data = make_data(type, kind);
    if (kind == SDK_DATA) {
        data->message = *static_cast<const OutgoingMessage*>(sample);
    }
    return data;
}

void data_copy(const ddsi_serdata* data, std::size_t at, std::size_t bytes, void* to)
{
    copy_out(data_of(data), at, {static_cast<std::byte*>(to), bytes});
}

/// Gives out bytes of the payload where they are. A piece that reaches beyond it, so the first and
/// perhaps the last of a message, is copied.
ddsi_serdata* data_borrow(const ddsi_serdata* data, std::size_t at, std::size_t bytes,
                          ddsrt_iovec_t* piece)
{
    const OutgoingMessage& message = data_of(data).message;
    const std::size_t in_payload = at - message.prefix.size();
    piece->iov_len = bytes;
    if (at >= message.prefix.size() && in_payload <= message.payload.size() &&
        bytes <= message.payload.size() - in_payload) {
        piece->iov_base = const_cast<std::byte*>(message.payload.data()) + in_payload;  // NOLINT
    } else {
        auto* copy = new std::byte[bytes];  // NOLINT(*-owning-memory): data_give_back deletes it
        copy_out(data_of(data), at, {copy, bytes});
        piece->iov_base = copy;
    }
    return ddsi_serdata_ref(data);
}

void data_give_back(ddsi_serdata* data, const ddsrt_iovec_t* piece)
{
    const std::span<const std::byte> payload = data_of(data).message.payload;
    const auto* bytes = static_cast<const std::byte*>(piece->iov_base);
    const bool lies_in_payload = !std::less<>{}(bytes, payload.data()) &&
                                 std::less<>{}(bytes, payload.data() + payload.size());
    if (!lies_in_payload) {
        delete[] bytes;  // NOLINT(*-owning-memory): of data_borrow
    }
    ddsi_serdata_unref(data);
}

bool data_to_sample(const ddsi_serdata* /*data*/, void* /*sample*/, void** /*buffer*/,
                    void* /*limit*/)
{
    return false;  // nobody reads samples: the receiver has had them
}

ddsi_serdata* data_to_untyped(const ddsi_serdata* data)
{
    SerializedData* untyped = make_data(data->type, SDK_KEY);
    untyped->type = nullptr;
    return untyped;
}

bool untyped_to_sample(const ddsi_sertype* /*type*/, const ddsi_serdata* /*data*/, void* /*sample*/,
                       void** /*buffer*/, void* /*limit*/)
{
    return false;
}

void data_free(ddsi_serdata* data)
{
    delete static_cast<SerializedData*>(data);  // NOLINT(*-owning-memory,*-downcast)
}

std::size_t data_print(const ddsi_sertype* /*type*/, const ddsi_serdata* data, char* text,
                       std::size_t bytes)
{
    const int written = std::snprintf(text, bytes, "(%zu bytes)", data_of(data).bytes());
    return static_cast<std::size_t>(std::max(written, 0));
}

void data_key_hash(const ddsi_serdata* /*data*/, ddsi_keyhash* hash, bool /*force_md5*/)
{
    *hash = {};
}

// --- types ------------------------------------------------------------------------------------

void type_free(ddsi_sertype* type)
{
    ddsi_sertype_fini(type);
    delete static_cast<SerializedType*>(type);  // NOLINT(*-owning-memory,*-downcast)
}

void type_zero_samples(const ddsi_sertype* /*type*/, void* /*samples*/, std::size_t /*count*/) {}

void type_allocate_samples(void** samples, const ddsi_sertype* /*type*/, void* /*old*/,
                           std::size_t /*old_count*/, std::size_t count)
{
    std::fill_n(samples, count, nullptr);
}

void type_free_samples(const ddsi_sertype* /*type*/, void** /*samples*/, std::size_t /*count*/,
                       dds_free_op_t /*what*/)
{
}

bool type_equals(const ddsi_sertype* a, const ddsi_sertype* b)
{
    return a == b;  // each topic entity has its own receiver
}

uint32_t type_hash(const ddsi_sertype* type)
{
    return static_cast<uint32_t>(std::hash<const void*>{}(type));
}

ddsi_sertype* type_derive(const ddsi_sertype* type, dds_data_representation_id_t /*representation*/,
                          dds_type_consistency_enforcement_qospolicy_t /*consistency*/)
{
    return const_cast<ddsi_sertype*>(type);  // NOLINT: Cyclone DDS wants the same one
}

}  // extern "C"

const ddsi_serdata_ops data_operations = [] {
    ddsi_serdata_ops operations{};
    operations.eqkey = data_equals_key;
    operations.get_size = data_size;
    operations.from_ser = data_from_network;
    operations.from_ser_iov = data_from_memory;
    operations.from_keyhash = data_from_key_hash;
    operations.from_sample = data_from_sample;
    operations.to_ser = data_copy;
    operations.to_ser_ref = data_borrow;
    operations.to_ser_unref = data_give_back;
    operations.to_sample = data_to_sample;
    operations.to_untyped = data_to_untyped;
    operations.untyped_to_sample = untyped_to_sample;
    operations.free = data_free;
    operations.print = data_print;
    operations.get_keyhash = data_key_hash;
    return operations;
}();

const ddsi_sertype_ops type_operations = [] {
    ddsi_sertype_ops operations{};
    operations.version = ddsi_sertype_v0;
    operations.free = type_free;
    operations.zero_samples = type_zero_samples;
    operations.realloc_samples = type_allocate_samples;
    operations.free_samples = type_free_samples;
    operations.equal = type_equals;
    operations.hash = type_hash;
    operations.derive_sertype = type_derive;
    return operations;
}();

}  // namespace

Result<dds::Entity> make_serialized_topic(const dds::Participant& participant,
                                          const std::string& topic, const std::string& type,
                                          std::shared_ptr<MessageReceiver> receiver)
{
    auto* serialized = new SerializedType();  // NOLINT(*-owning-memory): counted by Cyclone DDS
    ddsi_sertype_init(serialized, type.c_str(), &type_operations, &data_operations,
                      /*topickind_no_key=*/true);
    serialized->allowed_data_representation = DDS_DATA_REPRESENTATION_FLAG_XCDR1;
    serialized->receiver = std::move(receiver);
    ddsi_sertype* handed_over = serialized;
    const dds_entity_t entity = dds_create_topic_sertype(participant.entity(), topic.c_str(),
                                                         &handed_over, nullptr, nullptr, nullptr);
    if (entity < 0) {
        ddsi_sertype_unref(serialized);
        return dds::dds_error("dds_create_topic", topic, entity);
    }
    return entity;
}

}  // namespace tensor_ipc::ros
