#include "tensor_ipc/bindings/array_maker.hpp"
#include "tensor_ipc/bindings/loan_block.hpp"
#include "tensor_ipc/bindings/numpy_views.hpp"
#include "tensor_ipc/bindings/pinning_report.hpp"
#include "tensor_ipc/bindings/source_frame.hpp"
#include "tensor_ipc/bindings/user_metadata.hpp"

namespace tensor_ipc::bindings {

namespace {

void require_no_stream(nb::handle stream, const std::string& pool_name)
{
    if (!stream.is_none()) {
        refuse(PyExc_ValueError,
               "pool '" + pool_name + "' lies in host memory, where there is no stream");
    }
}

/// A loan as Python holds it. The array it gave out keeps the memory mapped.
class LoanFace final : public LentSlot {
public:
    LoanFace(Loan loan, std::shared_ptr<ArrayMaker> arrays)
        : loan_(std::move(loan)), arrays_(std::move(arrays))
    {
    }

    /// To write to; `self` is this object, which keeps the slot for the array.
    nb::object array(nb::object self) { return arrays_->writable(loan_, std::move(self)); }

    [[nodiscard]] std::uint64_t extent() const override { return loan_.extent(); }

    [[nodiscard]] const std::string& pool_name() const override { return arrays_->metadata().name; }

    /// There is no stream in host memory.
    std::optional<std::uint64_t> publish(nb::handle array,
                                         std::optional<std::uint64_t> timestamp_ns,
                                         std::uint64_t extent, nb::handle user_metadata,
                                         nb::handle stream) override
    {
        require_no_stream(stream, pool_name());
        const PackedUserMetadata packed = packed_from(user_metadata);
        unwrap(loan_.resize(extent));
        make_read_only(array);
        loan_.set_user_metadata(packed);
        return loan_.publish(timestamp_ns);
    }

    void drop(nb::handle array) override
    {
        make_read_only(array);
        loan_.drop();
    }

private:
    Loan loan_;
    std::shared_ptr<ArrayMaker> arrays_;
};

/// A producer as Python holds it. The GIL makes its calls one at a time; only bytes are copied
/// without it, into slots that are on loan to one thread each.
class ProducerFace final : public Lender {
public:
    ProducerFace(Producer producer, bool accept_any)
        : producer_(std::move(producer)),
          arrays_(std::make_shared<ArrayMaker>(producer_.metadata(), TorchViews::Private)),
          accept_any_(accept_any)
    {
        PinningReport().tell(producer_.metadata().name, producer_.pinning());
    }

    std::uint64_t put(nb::handle data, std::optional<std::uint64_t> timestamp_ns,
                      nb::handle user_metadata, nb::handle stream)
    {
        require_no_stream(stream, producer_.metadata().name);
        const SourceFrame source(data, *arrays_, accept_any_);
        const auto few = source.few_bytes(producer_.geometry().row_bytes);
        if (few && user_metadata.is_none()) {
            // With the GIL all along: nobody closes the producer meanwhile, so no loan is needed.
            const std::uint64_t frame = unwrap(producer_.put(*few, {timestamp_ns, {}}));
            copied_bytes_ += few->size();
            return frame;
        }
        std::optional<PackedUserMetadata> texts;
        if (!user_metadata.is_none()) {
            texts = packed_from(user_metadata);
        }
        Loan loan = unwrap(producer_.loan(source.extent()));
        source.copy_to(loan, *arrays_);
        if (texts) {
            loan.set_user_metadata(*texts);
        }
        const auto frame = loan.publish(timestamp_ns);
        if (!frame) {
            raise(Error{ErrorCode::PoolNotFound, "this producer of pool '" +
                                                     producer_.metadata().name +
                                                     "' was closed by another thread"});
        }
        copied_bytes_ += loan.bytes().size();
        return *frame;
    }

    void require_open() const override
    {
        if (!producer_.is_open()) {
            raise(Error{ErrorCode::PoolNotFound, "this producer of pool '" +
                                                     producer_.metadata().name +
                                                     "' is closed, or its parent process's"});
        }
    }

    Lent lend(std::optional<std::uint64_t> extent) override
    {
        nb::object made = nb::cast(LoanFace(unwrap(producer_.loan(extent)), arrays_));
        LoanFace& loan = *nb::inst_ptr<LoanFace>(made);
        nb::object array = loan.array(made);
        return {std::move(made), &loan, std::move(array)};
    }

    void close() { producer_.close(); }

    [[nodiscard]] bool is_open() const { return producer_.is_open(); }

    [[nodiscard]] nb::tuple stats() const
    {
        const ProducerStats stats = producer_.stats();
        return nb::make_tuple(stats.frames, stats.skipped_slots, copied_bytes_,
                              is_granted(producer_.pinning()), refusal_of(producer_.pinning()));
    }

private:
    Producer producer_;
    std::shared_ptr<ArrayMaker> arrays_;
    bool accept_any_;
    std::uint64_t copied_bytes_ = 0;
};

ProducerFace create(std::string name, const std::vector<std::int64_t>& shape,
                    const std::string& dtype, std::uint32_t history_len, std::string backend,
                    std::string device, bool varying_extent, std::uint32_t spare,
                    std::uint32_t mode, bool chronological, bool accept_any,
                    std::optional<int> pinned_for)
{
    SegmentOptions options;
    options.spare = spare;
    options.mode = mode;
    options.memory_order = chronological ? MemoryOrder::Chronological : MemoryOrder::NewestFirst;
    options.pinned_for = pinned_for;
    const PoolMetadata metadata =
        metadata_of(std::move(name), shape, dtype, history_len, std::move(backend),
                    std::move(device), varying_extent);
    auto producer = [&] {
        std::optional<nb::gil_scoped_release> unlocked;
        if (pinned_for) {  // loading the driver and locking memory may take seconds
            unlocked.emplace();
        }
        return Producer::create(metadata, options);
    }();
    return ProducerFace(unwrap(std::move(producer)), accept_any);
}

}  // namespace

void add_producer(nb::module_& module)
{
    nb::class_<LoanFace>(module, "LentSlot");
    nb::class_<ProducerFace>(module, "Producer")
        .def("put", &ProducerFace::put, nb::arg("data").none(),
             nb::arg("timestamp_ns").none() = nb::none(),
             nb::arg("user_metadata").none() = nb::none(), nb::arg("stream").none() = nb::none())
        .def("loan", &loan_of<ProducerFace>, nb::arg("extent").none(),
             nb::arg("timestamp_ns").none(), nb::arg("user_metadata").none(),
             nb::arg("stream").none())
        .def("close", &ProducerFace::close)
        .def_prop_ro("is_open", &ProducerFace::is_open)
        .def_prop_ro("stats", &ProducerFace::stats);
    module.def("create_producer", &create, nb::arg("name"), nb::arg("shape"), nb::arg("dtype"),
               nb::arg("history_len"), nb::arg("backend"), nb::arg("device"),
               nb::arg("varying_extent"), nb::arg("spare"), nb::arg("mode"),
               nb::arg("chronological"), nb::arg("accept_any"), nb::arg("pinned_for").none());
}

}  // namespace tensor_ipc::bindings
