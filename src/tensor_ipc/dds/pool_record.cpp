#include "tensor_ipc/dds/pool_record.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include "tensor_ipc/layout/slot_header.hpp"
#include "tensor_ipc/tensor/pool_name.hpp"

namespace tensor_ipc::dds {

namespace {

/// The text in a bounded string, also when its zero is missing.
template <std::size_t Capacity>
std::string_view text_of(const char (&bytes)[Capacity])  // NOLINT(*-avoid-c-arrays)
{
    const std::span<const char> all(bytes);
    const auto end = std::ranges::find(all, '\0');
    return {all.data(), static_cast<std::size_t>(end - all.begin())};
}

template <std::size_t Capacity>
void store(std::string_view text, char (&into)[Capacity])  // NOLINT(*-avoid-c-arrays)
{
    const std::size_t length = std::min(text.size(), Capacity - 1);
    const std::span<char> all(into);
    std::ranges::copy_n(text.begin(), static_cast<std::ptrdiff_t>(length), all.begin());
    all[length] = '\0';
}

bool is_printable(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

template <typename Sample>
std::optional<PoolKey> key_of(const Sample& sample)
{
    auto name_space = parse_namespace(text_of(sample.name_space));
    auto pool = PoolName::parse(text_of(sample.pool));
    const std::string_view host_id = text_of(sample.host_id);
    if (!name_space || !pool || host_id.empty() || !is_printable(host_id)) {
        return std::nullopt;
    }
    return PoolKey{*std::move(name_space), pool->text(), std::string(host_id)};
}

template <typename Sample>
void store_key(const PoolKey& key, Sample& into)
{
    store(key.name_space, into.name_space);
    store(key.pool, into.pool);
    store(key.host_id, into.host_id);
}

}  // namespace

std::optional<PoolRecord> record_of(const tensor_ipc_v1_PoolMetadata& sample)
{
    auto key = key_of(sample);
    if (!key || !Shape::fits(sample.shape._length) || sample.generation == 0 ||
        sample.varying_extent > 1) {
        return std::nullopt;
    }
    PoolRecord record;
    record.key = *std::move(key);
    record.metadata.name = record.key.pool;
    record.metadata.shape =
        Shape(std::span<const std::int64_t>(sample.shape._buffer, sample.shape._length));
    record.metadata.dtype = {sample.dtype_code, sample.dtype_bits, sample.dtype_lanes};
    record.metadata.varying_extent = sample.varying_extent == 1;
    record.metadata.history_len = sample.history_len;
    record.metadata.backend = text_of(sample.backend);
    record.metadata.device = text_of(sample.device);
    const auto bytes = frame_bytes(record.metadata);
    if (!validate(record.metadata) || !bytes || *bytes != sample.frame_bytes) {
        return std::nullopt;
    }
    const bool is_rate = std::isfinite(sample.rate_hz) && sample.rate_hz >= 0.0;
    const bool is_frame =
        sample.latest_frame >= -1 && sample.latest_frame < static_cast<std::int64_t>(kFrameLimit);
    if (!is_rate || !is_frame) {
        return std::nullopt;
    }
    record.host = printable(text_of(sample.host));
    record.owner_uid = sample.owner_uid;
    record.producer_pid = sample.producer_pid;
    record.generation = sample.generation;
    record.frame_bytes = sample.frame_bytes;
    record.latest_frame = sample.latest_frame;
    record.rate_hz = sample.rate_hz;
    return record;
}

tensor_ipc_v1_PoolMetadata sample_of(const PoolRecord& record)
{
    tensor_ipc_v1_PoolMetadata sample{};
    store_key(record.key, sample);
    store(record.host, sample.host);
    sample.owner_uid = record.owner_uid;
    sample.producer_pid = record.producer_pid;
    sample.generation = record.generation;
    sample.dtype_code = record.metadata.dtype.code;
    sample.dtype_bits = record.metadata.dtype.bits;
    sample.dtype_lanes = record.metadata.dtype.lanes;
    const auto extents = record.metadata.shape.extents();
    sample.shape._length = record.metadata.shape.dimensions();
    sample.shape._maximum = sample.shape._length;
    // Cyclone DDS only reads what it writes.
    sample.shape._buffer = const_cast<std::int64_t*>(extents.data());  // NOLINT(*-const-cast)
    sample.varying_extent = record.metadata.varying_extent ? 1 : 0;
    sample.history_len = record.metadata.history_len;
    store(record.metadata.backend, sample.backend);
    store(record.metadata.device, sample.device);
    sample.frame_bytes = record.frame_bytes;
    sample.latest_frame = record.latest_frame;
    sample.rate_hz = record.rate_hz;
    return sample;
}

std::optional<ProgressRecord> record_of(const tensor_ipc_v1_PoolProgress& sample)
{
    auto key = key_of(sample);
    if (!key || sample.generation == 0 || sample.latest_frame >= kFrameLimit) {
        return std::nullopt;
    }
    return ProgressRecord{*std::move(key),    sample.generation,   sample.latest_frame,
                          sample.captured_ns, sample.published_ns, sample.published_unix_ns};
}

tensor_ipc_v1_PoolProgress sample_of(const ProgressRecord& record)
{
    tensor_ipc_v1_PoolProgress sample{};
    store_key(record.key, sample);
    sample.generation = record.generation;
    sample.latest_frame = record.frame;
    sample.captured_ns = record.captured_ns;
    sample.published_ns = record.published_ns;
    sample.published_unix_ns = record.published_unix_ns;
    return sample;
}

}  // namespace tensor_ipc::dds
