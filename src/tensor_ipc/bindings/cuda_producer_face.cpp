#include <deque>
#include <mutex>

#include "tensor_ipc/bindings/array_maker.hpp"
#include "tensor_ipc/bindings/device_source.hpp"
#include "tensor_ipc/bindings/loan_block.hpp"
#include "tensor_ipc/bindings/source_frame.hpp"
#include "tensor_ipc/bindings/user_metadata.hpp"
#include "tensor_ipc/cuda/driver.hpp"
#include "tensor_ipc/os/fork_epoch.hpp"

namespace tensor_ipc::bindings {

namespace {

/// A producer and its loans, which wait for the device without the GIL and so need a lock of their
/// own. The GIL is never asked for while that is held.
class LockedProducer {
public:
    explicit LockedProducer(CudaProducer producer) : producer_(std::move(producer)) {}

    /// Whether this process made it. In a forked child nothing may be asked of it, and the lock may
    /// be held by a thread that is not there.
    [[nodiscard]] bool is_ours() const noexcept { return epoch_ == os::fork_epoch(); }

    /// Runs `work(producer)`, which touches no Python object, while other threads may run.
    /// @throws CudaUnavailableError in a forked child
    template <typename Work>
    auto without_gil(Work&& work)
    {
        if (!is_ours()) {
            raise(cuda::Driver::forked());
        }
        const nb::gil_scoped_release unlocked;
        const std::lock_guard lock(mutex_);
        return std::forward<Work>(work)(producer_);
    }

    /// Neither ever changes.
    [[nodiscard]] const PoolMetadata& metadata() const { return producer_.metadata(); }

    [[nodiscard]] const cuda::Device& device() const { return producer_.device(); }

private:
    std::mutex mutex_;
    CudaProducer producer_;
    std::uint32_t epoch_ = os::fork_epoch();
};

using SharedProducer = std::shared_ptr<LockedProducer>;

/// A loan as Python holds it.
class CudaLoanFace final : public LentSlot {
public:
    CudaLoanFace(CudaLoan loan, SharedProducer producer, std::shared_ptr<ArrayMaker> arrays)
        : loan_(std::make_unique<CudaLoan>(std::move(loan))),
          producer_(std::move(producer)),
          arrays_(std::move(arrays)),
          kept_(std::make_shared<LoanedMemory>())
    {
        kept_->memory = loan_->memory();
    }

    CudaLoanFace(CudaLoanFace&&) = default;
    CudaLoanFace& operator=(CudaLoanFace&&) = delete;
    CudaLoanFace(const CudaLoanFace&) = delete;
    CudaLoanFace& operator=(const CudaLoanFace&) = delete;

    ~CudaLoanFace() override
    {
        if (loan_ != nullptr && producer_->is_ours()) {
            give_back();
        }
    }

    nb::object array() { return arrays_->writable(*loan_, producer_->device(), kept_); }

    /// In the order of `stream`.
    std::optional<std::uint64_t> publish(nb::handle /*array*/,
                                         std::optional<std::uint64_t> timestamp_ns,
                                         std::uint64_t extent, nb::handle user_metadata,
                                         nb::handle stream) override
    {
        const PackedUserMetadata packed = packed_from(user_metadata);
        const cuda::StreamHandle last = last_stream(stream);
        const auto published = producer_->without_gil([&](CudaProducer&) -> Result<std::uint64_t> {
            if (auto resized = loan_->resize(extent); !resized) {
                return resized.error();
            }
            loan_->set_user_metadata(packed);
            record_streams();
            return loan_->publish(last, timestamp_ns);
        });
        return unwrap(published);
    }

    [[nodiscard]] std::uint64_t extent() const override { return loan_->extent(); }

    [[nodiscard]] const std::string& pool_name() const override
    {
        return producer_->metadata().name;
    }

    void drop(nb::handle /*array*/) override { give_back(); }

private:
    void give_back()
    {
        producer_->without_gil([&](CudaProducer&) {
            record_streams();
            loan_->drop();
        });
    }

    /// The stream that the caller names, torch's current one, or the default one.
    cuda::StreamHandle last_stream(nb::handle named) const
    {
        if (const auto stream = named_stream(named)) {
            return *stream;
        }
        return arrays_->is_torch() ? Torch::get().current_stream(producer_->device().ordinal)
                                   : stream_handle(kLegacyStream);
    }

    void record_streams()
    {
        for (const cuda::StreamHandle stream : std::exchange(kept_->streams, {})) {
            loan_->record_stream(stream);
        }
    }

    std::unique_ptr<CudaLoan> loan_;
    SharedProducer producer_;
    std::shared_ptr<ArrayMaker> arrays_;
    std::shared_ptr<LoanedMemory> kept_;
};

/// A producer of a pool on a GPU as Python holds it.
class CudaProducerFace final : public Lender {
public:
    CudaProducerFace(CudaProducer producer, bool accept_any, bool peer_copy)
        : producer_(std::make_shared<LockedProducer>(std::move(producer))),
          arrays_(std::make_shared<ArrayMaker>(producer_->metadata(), TorchViews::Private)),
          // A pool of no framework takes those of all.
          accept_any_(accept_any || !arrays_->is_torch()),
          peer_copy_(peer_copy)
    {
    }

    CudaProducerFace(CudaProducerFace&&) = default;
    CudaProducerFace& operator=(CudaProducerFace&&) = delete;
    CudaProducerFace(const CudaProducerFace&) = delete;
    CudaProducerFace& operator=(const CudaProducerFace&) = delete;

    ~CudaProducerFace() override
    {
        if (producer_ != nullptr) {  // else it was moved from
            close();
        }
    }

    std::uint64_t put(nb::handle data, std::optional<std::uint64_t> timestamp_ns,
                      nb::handle user_metadata, nb::handle stream)
    {
        const PackedUserMetadata texts = packed_from(user_metadata);
        let_go_of_read_sources();
        if (auto source = DeviceSource::from(data, named_stream(stream))) {
            require_fit(source->memory(), data);
            const CudaSource frame{source->memory().data, bytes_of(source->memory().extent()),
                                   source->stream()};
            const std::uint64_t index = put(frame, texts, timestamp_ns);
            if (!source->frees_in_stream_order()) {
                unread_.push_back({index, std::move(*source)});
            }
            return index;
        }
        const SourceFrame source(data, *arrays_, accept_any_);
        const HostCopy host(source, bytes_of(source.extent()), *arrays_);
        return put({host.data(), bytes_of(source.extent()), nullptr}, texts, timestamp_ns);
    }

    void require_open() const override
    {
        if (!is_open()) {
            raise(Error{ErrorCode::PoolNotFound, "this producer of pool '" +
                                                     producer_->metadata().name +
                                                     "' is closed, or its parent process's"});
        }
    }

    Lent lend(std::optional<std::uint64_t> extent) override
    {
        auto taken =
            producer_->without_gil([&](CudaProducer& producer) { return producer.loan(extent); });
        nb::object made = nb::cast(CudaLoanFace(unwrap(std::move(taken)), producer_, arrays_));
        CudaLoanFace& loan = *nb::inst_ptr<CudaLoanFace>(made);
        nb::object array = loan.array();
        return {std::move(made), &loan, std::move(array)};
    }

    void synchronize()
    {
        unwrap(
            producer_->without_gil([](CudaProducer& producer) { return producer.synchronize(); }));
        let_go_of_read_sources();
    }

    void close()
    {
        if (producer_->is_ours()) {
            producer_->without_gil([](CudaProducer& producer) { producer.close(); });
            const auto read = std::exchange(unread_, {});
        }
    }

    [[nodiscard]] bool is_open() const
    {
        return producer_->is_ours() &&
               producer_->without_gil([](CudaProducer& producer) { return producer.is_open(); });
    }

    [[nodiscard]] nb::tuple stats() const
    {
        const ProducerStats stats =
            producer_->without_gil([](CudaProducer& producer) { return producer.stats(); });
        return nb::make_tuple(stats.frames, stats.skipped_slots, copied_bytes_);
    }

    [[nodiscard]] std::string memory_kind() const
    {
        return producer_->without_gil([](CudaProducer& producer) {
            return producer.memory_kind() == cuda::MemoryKind::Vmm ? "vmm" : "ipc";
        });
    }

private:
    /// A source whose owner would reuse its memory at once, were it told that nobody needs it.
    struct Unread {
        std::uint64_t frame;
        DeviceSource source;
    };

    [[nodiscard]] std::uint64_t bytes_of(std::uint64_t extent) const
    {
        const Shape& shape = producer_->metadata().shape;
        std::uint64_t bytes = producer_->metadata().dtype.item_bytes();
        for (std::size_t i = 0; i < shape.extents().size(); ++i) {
            bytes *= i == 0 ? extent : static_cast<std::uint64_t>(shape.extents()[i]);
        }
        return bytes;
    }

    void require_fit(const ForeignMemory& found, nb::handle data) const
    {
        const std::string pool = "pool '" + producer_->metadata().name + "'";
        if (found.device_id != producer_->device().ordinal && !peer_copy_) {
            refuse(PyExc_TypeError, pool + " lies on " + producer_->metadata().device +
                                        ", got data on " + found.device_text() +
                                        ": move it there first, or make the producer with "
                                        "peer_copy=True");
        }
        require_elements(found, producer_->metadata());
        if (!found.as_is) {
            refuse(PyExc_ValueError,
                   pool +
                       " takes elements as they are, and torch put off a change of their "
                       "sign: put tensor.resolve_conj().resolve_neg()");
        }
        if (!found.is_plain()) {
            refuse(PyExc_ValueError,
                   pool + " takes arrays in one piece (C order): " +
                       (Torch::is_tensor(data) ? "put tensor.contiguous()"
                                               : "put a contiguous copy, such as "
                                                 "cupy.ascontiguousarray(array)"));
        }
    }

    std::uint64_t put(const CudaSource& frame, const PackedUserMetadata& texts,
                      std::optional<std::uint64_t> timestamp_ns)
    {
        const auto entries = unwrap(unpack_user_metadata(texts.bytes()));
        const auto index = producer_->without_gil([&](CudaProducer& producer) {
            return producer.put(frame, {timestamp_ns, entries});
        });
        const std::uint64_t published = unwrap(index);
        copied_bytes_ += frame.bytes;
        return published;
    }

    void let_go_of_read_sources()
    {
        if (unread_.empty()) {
            return;
        }
        const auto published =
            producer_->without_gil([](CudaProducer& producer) { return producer.stats().frames; });
        while (!unread_.empty() && unread_.front().frame < published) {
            // Out of the list first: whoever owned it may run code of its own.
            const Unread read = std::move(unread_.front());
            unread_.pop_front();
        }
    }

    SharedProducer producer_;
    std::shared_ptr<ArrayMaker> arrays_;
    std::deque<Unread> unread_;
    bool accept_any_;
    bool peer_copy_;
    std::uint64_t copied_bytes_ = 0;
};

std::optional<cuda::MemoryKind> memory_kind_of(const std::string& name)
{
    if (name == "ipc") {
        return cuda::MemoryKind::Ipc;
    }
    return name == "vmm" ? std::optional(cuda::MemoryKind::Vmm) : std::nullopt;
}

CudaProducerFace create(std::string name, const std::vector<std::int64_t>& shape,
                        const std::string& dtype, std::uint32_t history_len, std::string backend,
                        std::string device, bool varying_extent, std::uint32_t spare,
                        std::uint32_t mode, bool chronological, bool accept_any,
                        const std::string& device_memory, bool block, bool peer_copy)
{
    CudaOptions options;
    options.segment.spare = spare;
    options.segment.mode = mode;
    options.segment.memory_order =
        chronological ? MemoryOrder::Chronological : MemoryOrder::NewestFirst;
    options.memory = memory_kind_of(device_memory);
    options.sync = block ? CudaSync::Block : CudaSync::Stream;
    options.peer_copy = peer_copy;
    const PoolMetadata metadata =
        metadata_of(std::move(name), shape, dtype, history_len, std::move(backend),
                    std::move(device), varying_extent);
    auto producer = [&] {
        const nb::gil_scoped_release unlocked;
        return CudaProducer::create(metadata, options);
    }();
    return {unwrap(std::move(producer)), accept_any, peer_copy};
}

}  // namespace

void add_cuda_producer(nb::module_& module)
{
    nb::class_<CudaLoanFace>(module, "LentDeviceSlot");
    nb::class_<CudaProducerFace>(module, "CudaProducer")
        .def("put",
             static_cast<std::uint64_t (CudaProducerFace::*)(
                 nb::handle, std::optional<std::uint64_t>, nb::handle, nb::handle)>(
                 &CudaProducerFace::put),
             nb::arg("data").none(), nb::arg("timestamp_ns").none(),
             nb::arg("user_metadata").none(), nb::arg("stream").none())
        .def("loan", &loan_of<CudaProducerFace>, nb::arg("extent").none(),
             nb::arg("timestamp_ns").none(), nb::arg("user_metadata").none(),
             nb::arg("stream").none())
        .def("synchronize", &CudaProducerFace::synchronize)
        .def("close", &CudaProducerFace::close)
        .def_prop_ro("is_open", &CudaProducerFace::is_open)
        .def_prop_ro("stats", &CudaProducerFace::stats)
        .def_prop_ro("memory_kind", &CudaProducerFace::memory_kind);
    module.def("create_cuda_producer", &create, nb::arg("name"), nb::arg("shape"), nb::arg("dtype"),
               nb::arg("history_len"), nb::arg("backend"), nb::arg("device"),
               nb::arg("varying_extent"), nb::arg("spare"), nb::arg("mode"),
               nb::arg("chronological"), nb::arg("accept_any"), nb::arg("device_memory"),
               nb::arg("block"), nb::arg("peer_copy"));
}

}  // namespace tensor_ipc::bindings
