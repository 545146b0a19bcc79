#include "tensor_ipc/pool/cuda_producer.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "tensor_ipc/cuda/vmm_memory.hpp"
#include "tensor_ipc/pool/cuda_producer_core.hpp"
#include "tensor_ipc/pool/device_stride.hpp"

namespace tensor_ipc {

namespace {

/// The number in `cuda:0`.
Result<int> ordinal_of(const std::string& device)
{
    constexpr std::string_view kPrefix = "cuda:";
    int ordinal = -1;
    if (device.starts_with(kPrefix)) {
        const char* end = device.data() + device.size();
        const auto [stop, error] = std::from_chars(device.data() + kPrefix.size(), end, ordinal);
        ordinal = error == std::errc() && stop == end ? ordinal : -1;
    }
    if (ordinal < 0) {
        return Error{ErrorCode::InvalidArgument,
                     "a CUDA pool's device is 'cuda:' and a number, got '" + device + "'"};
    }
    return ordinal;
}

Result<cuda::MemoryKind> choose_kind(const cuda::PrimaryContext& context,
                                     std::optional<cuda::MemoryKind> asked)
{
    if (asked) {
        return *asked;
    }
    const auto has_vmm = cuda::VmmMemory::is_supported(context);
    if (!has_vmm) {
        return has_vmm.error();
    }
    return *has_vmm ? cuda::MemoryKind::Vmm : cuda::MemoryKind::Ipc;
}

}  // namespace

CudaLoan::CudaLoan(std::shared_ptr<CudaProducerCore> core, std::uint32_t slot,
                   std::uint64_t extent) noexcept
    : core_(std::move(core)), address_(core_->address_of(slot)), extent_(extent), slot_(slot)
{
}

CudaLoan::CudaLoan(CudaLoan&& other) noexcept
    : core_(std::move(other.core_)),
      streams_(std::move(other.streams_)),
      address_(other.address_),
      extent_(other.extent_),
      slot_(other.slot_),
      holds_slot_(std::exchange(other.holds_slot_, false))
{
}

CudaLoan& CudaLoan::operator=(CudaLoan&& other) noexcept
{
    if (this != &other) {
        drop();
        core_ = std::move(other.core_);
        streams_ = std::move(other.streams_);
        address_ = other.address_;
        extent_ = other.extent_;
        slot_ = other.slot_;
        holds_slot_ = std::exchange(other.holds_slot_, false);
    }
    return *this;
}

CudaLoan::~CudaLoan()
{
    drop();
}

std::uint64_t CudaLoan::bytes() const noexcept
{
    return extent_ * core_->segment().geometry.row_bytes;
}

Result<void> CudaLoan::resize(std::uint64_t extent)
{
    if (!allows_extent(core_->segment().geometry, extent)) {
        return wrong_extent(core_->segment(), extent);
    }
    extent_ = extent;
    return {};
}

void CudaLoan::set_user_metadata(const PackedUserMetadata& packed) noexcept
{
    if (holds_slot_ && core_->is_open()) {  // in a forked child the slot is the parent's
        core_->headroom(slot_).set_user_metadata(packed.bytes());
    }
}

void CudaLoan::record_stream(cuda::StreamHandle stream)
{
    if (std::ranges::find(streams_, stream) == streams_.end()) {
        streams_.push_back(stream);
    }
}

Result<std::uint64_t> CudaLoan::publish(cuda::StreamHandle stream,
                                        std::optional<std::uint64_t> captured_ns)
{
    if (!holds_slot_) {
        return Error{ErrorCode::InvalidArgument, "this loan was published or dropped already"};
    }
    record_stream(stream);
    auto number = core_->publish(slot_, extent_, streams_, captured_ns);
    holds_slot_ = !number.ok();
    return number;
}

void CudaLoan::drop() noexcept
{
    if (std::exchange(holds_slot_, false)) {
        constexpr std::array<cuda::StreamHandle, 1> kLegacyDefault{nullptr};
        core_->give_back(slot_, streams_.empty()
                                    ? std::span<const cuda::StreamHandle>(kLegacyDefault)
                                    : std::span<const cuda::StreamHandle>(streams_));
    }
}

std::shared_ptr<const void> CudaLoan::memory() const noexcept
{
    return core_;
}

Result<CudaProducer> CudaProducer::create(const PoolMetadata& metadata, const CudaOptions& options)
{
    if (auto valid = validate(metadata); !valid) {
        return valid.error();
    }
    const auto ordinal = ordinal_of(metadata.device);
    if (!ordinal) {
        return ordinal.error();
    }
    const auto driver = cuda::Driver::get();
    if (!driver) {
        return driver.error();
    }
    auto parts = CudaParts::make(*driver.value(), *ordinal);
    if (!parts) {
        return parts.error();
    }
    const auto kind = choose_kind(*parts->context, options.memory);
    if (!kind) {
        return kind.error();
    }
    GeometryInput input = geometry_input_of(metadata);
    input.spare = options.segment.spare;
    DevicePayload payload;
    payload.stride = device_stride_for(*kind, input);
    payload.make = [&](const Geometry& geometry) -> Result<cuda::MemoryTicket> {
        auto memory = cuda::DeviceMemory::create(parts->context, *kind, geometry.device_bytes());
        if (!memory) {
            return memory.error();
        }
        parts->memory = std::move(memory).value();
        auto ticket = parts->memory->share(options.segment.mode);
        if (!ticket) {
            parts->memory->nobody_else_has_it();
        }
        return ticket;
    };
    auto segment = open_for_producer(metadata, options.segment, &payload);
    if (!segment) {
        return segment.error();
    }
    auto headrooms =
        HostRing::map(segment->mappable.get(), segment->geometry, os::Protection::ReadWrite);
    segment->mappable.close();
    if (!headrooms) {
        end_segment(*segment);
        return headrooms.error();
    }
    return CudaProducer(std::make_shared<CudaProducerCore>(std::move(segment).value(),
                                                           std::move(headrooms).value(),
                                                           std::move(parts).value(), options));
}

CudaProducer::CudaProducer(std::shared_ptr<CudaProducerCore> core) noexcept : core_(std::move(core))
{
}

CudaProducer& CudaProducer::operator=(CudaProducer&& other) noexcept
{
    if (this != &other) {
        close();
        core_ = std::move(other.core_);
    }
    return *this;
}

CudaProducer::~CudaProducer()
{
    close();
}

Result<std::uint64_t> CudaProducer::put(const CudaSource& frame, const PublishOptions& options)
{
    return core_->put(frame, options);
}

Result<CudaLoan> CudaProducer::loan(std::optional<std::uint64_t> extent)
{
    if (extent && !allows_extent(geometry(), *extent)) {
        return wrong_extent(core_->segment(), *extent);
    }
    const auto slot = core_->take_slot();
    if (!slot) {
        return slot.error();
    }
    return CudaLoan(core_, *slot, extent.value_or(geometry().max_extent));
}

Result<void> CudaProducer::synchronize()
{
    return core_->synchronize();
}

void CudaProducer::close() noexcept
{
    if (core_) {
        core_->close();
    }
}

bool CudaProducer::is_open() const noexcept
{
    return core_ && core_->is_open();
}

const PoolMetadata& CudaProducer::metadata() const noexcept
{
    return core_->segment().metadata;
}

const Geometry& CudaProducer::geometry() const noexcept
{
    return core_->segment().geometry;
}

ProducerStats CudaProducer::stats() const noexcept
{
    return {core_->frames(),
            core_->segment().header().skipped_slots.load(std::memory_order_relaxed)};
}

const cuda::Device& CudaProducer::device() const noexcept
{
    return core_->memory().context()->device();
}

cuda::MemoryKind CudaProducer::memory_kind() const noexcept
{
    return core_->memory().kind();
}

}  // namespace tensor_ipc
