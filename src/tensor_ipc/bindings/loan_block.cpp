#include "tensor_ipc/bindings/loan_block.hpp"

namespace tensor_ipc::bindings {

namespace {

// What the core takes, which knows the pool's own.
constexpr std::uint64_t kMostRows = INT64_MAX;

/// @throws TypeError when it is no integer, ValueError when it is not 0 to `most`
std::uint64_t checked_rows(nb::handle rows, std::uint64_t most)
{
    const nb::object number = nb::steal(PyNumber_Index(rows.ptr()));
    if (!number.is_valid()) {
        throw nb::python_error();
    }
    int overflow = 0;
    const long long found = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow != 0 || found < 0 || static_cast<std::uint64_t>(found) > most) {
        refuse(PyExc_ValueError, "extent: expected 0 to " + std::to_string(most) + " rows, got " +
                                     nb::str(number).c_str());
    }
    return static_cast<std::uint64_t>(found);
}

std::optional<std::uint64_t> checked_time(nb::handle timestamp_ns)
{
    if (timestamp_ns.is_none()) {
        return std::nullopt;
    }
    std::uint64_t found = 0;
    if (!nb::try_cast(timestamp_ns, found)) {
        refuse(PyExc_TypeError, std::string("timestamp_ns: expected an int from 0 to 2**64 - 1, or "
                                            "None, got ") +
                                    nb::repr(timestamp_ns).c_str());
    }
    return found;
}

}  // namespace

LoanBlock::LoanBlock(nb::object producer, Lender& lender, nb::handle extent,
                     nb::object timestamp_ns, nb::object user_metadata, nb::object stream)
    : timestamp_ns(std::move(timestamp_ns)),
      user_metadata(std::move(user_metadata)),
      stream(std::move(stream)),
      producer_(std::move(producer)),
      lender_(&lender)
{
    if (!extent.is_none()) {
        extent_ = checked_rows(extent, kMostRows);
    }
}

nb::object LoanBlock::enter()
{
    Lent lent = lender_->lend(extent_);
    extent_ = lent.slot->extent();
    lent_ = std::move(lent);
    return lent_.array;
}

void LoanBlock::exit(nb::handle exception_type)
{
    if (lent_.slot == nullptr) {  // published in the block
        return;
    }
    if (exception_type.is_none()) {
        publish(nb::none());
        return;
    }
    const Lent lent = std::exchange(lent_, {});
    lent.slot->drop(lent.array);
}

std::uint64_t LoanBlock::publish(nb::handle named_stream)
{
    if (lent_.slot == nullptr) {
        refuse(PyExc_ValueError, "a loan is published once, and in its block only");
    }
    const Lent lent = std::exchange(lent_, {});
    std::optional<std::uint64_t> frame;
    try {
        frame = lent.slot->publish(lent.array, checked_time(timestamp_ns),
                                   extent_.value_or(lent.slot->extent()), user_metadata,
                                   named_stream.is_none() ? stream : named_stream);
    } catch (...) {
        lent.slot->drop(lent.array);
        throw;
    }
    if (!frame) {
        raise(Error{ErrorCode::PoolNotFound, "the producer of pool '" + lent.slot->pool_name() +
                                                 "' was cleaned up during the loan"});
    }
    return *frame;
}

nb::object LoanBlock::extent() const
{
    return extent_ ? nb::cast(*extent_) : nb::none();
}

void LoanBlock::set_extent(nb::handle rows)
{
    if (lent_.slot == nullptr) {
        refuse(PyExc_ValueError,
               "the extent of a loan can be set in its block only: give it to loan() before");
    }
    extent_ = checked_rows(rows, lent_.slot->extent());
}

constexpr const char* kLoanText =
    "What `TensorProducer.loan` returns: a context manager whose block writes a frame in place.\n\n"
    "The attributes may be changed until the block ends, which publishes what they say then.";

constexpr const char* kPublishText =
    "Publish the frame before the block ends; its end then does nothing more.\n\n"
    "Parameters\n----------\n"
    "stream\n    As the attribute.\n\n"
    "Returns\n-------\n"
    "Number of the frame.\n\n"
    "Raises\n------\n"
    "PoolNotFoundError\n    The producer was cleaned up.\n"
    "ValueError\n    Outside of the block, or a second time; or what the end of the block raises.";

constexpr const char* kExtentText =
    "Rows to publish: all of the array, unless set to fewer in the block.\n\n"
    "Raises\n------\n"
    "ValueError\n    More rows than the array has; or, at the end of the block, fewer in a pool "
    "whose extent does not vary.";

void add_loans(nb::module_& module)
{
    const auto may_be_none = nb::for_setter(nb::arg("value").none());
    nb::class_<LoanBlock>(module, "Loan", kLoanText)
        .def("__enter__", &LoanBlock::enter, "Take a slot; return the array over it.")
        .def(
            "__exit__",
            [](LoanBlock& self, nb::handle type, nb::handle, nb::handle) { self.exit(type); },
            nb::arg("exc_type").none(), nb::arg("exc_value").none(), nb::arg("traceback").none(),
            "Publish the frame, or give the slot back when the block raised.")
        .def("publish", &LoanBlock::publish, nb::arg("stream").none() = nb::none(), kPublishText)
        .def_prop_rw("extent", &LoanBlock::extent, &LoanBlock::set_extent, kExtentText)
        .def_prop_rw(
            "timestamp_ns", [](const LoanBlock& self) { return self.timestamp_ns; },
            [](LoanBlock& self, nb::object value) { self.timestamp_ns = std::move(value); },
            may_be_none, "Time of capture; that of publication when None.")
        .def_prop_rw(
            "user_metadata", [](const LoanBlock& self) { return self.user_metadata; },
            [](LoanBlock& self, nb::object value) { self.user_metadata = std::move(value); },
            may_be_none, "Texts that travel with the frame; see `TensorProducer.put`.")
        .def_prop_rw(
            "stream", [](const LoanBlock& self) { return self.stream; },
            [](LoanBlock& self, nb::object value) { self.stream = std::move(value); }, may_be_none,
            "The CUDA stream that writes the frame, in a pool on a GPU; see "
            "`TensorProducer.loan`.");
}

}  // namespace tensor_ipc::bindings
