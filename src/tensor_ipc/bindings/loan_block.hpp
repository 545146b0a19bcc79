/// What `TensorProducer.loan` returns: a context manager whose block writes a frame in place.
#pragma once

#include "tensor_ipc/bindings/bindings.hpp"

namespace tensor_ipc::bindings {

/// A slot on loan, in whatever memory. Used with the GIL.
class LentSlot {
public:
    LentSlot() = default;
    LentSlot(LentSlot&&) = default;
    LentSlot& operator=(LentSlot&&) = delete;
    LentSlot(const LentSlot&) = delete;
    LentSlot& operator=(const LentSlot&) = delete;
    virtual ~LentSlot() = default;

    /// Rows that there is room for.
    [[nodiscard]] virtual std::uint64_t extent() const = 0;

    [[nodiscard]] virtual const std::string& pool_name() const = 0;

    /// Publishes the first `extent` rows of `array`, which nobody may write to any more. When it
    /// throws, the slot is as it was.
    /// @return nothing when the producer was closed
    virtual std::optional<std::uint64_t> publish(nb::handle array,
                                                 std::optional<std::uint64_t> timestamp_ns,
                                                 std::uint64_t extent, nb::handle user_metadata,
                                                 nb::handle stream) = 0;

    /// Gives the slot back. Nobody may write to `array` any more.
    virtual void drop(nb::handle array) = 0;
};

/// A slot, and the array over it.
struct Lent {
    nb::object keeper;  ///< the Python object that `slot` is in
    LentSlot* slot = nullptr;
    nb::object array;
};

/// Who lends slots.
class Lender {
public:
    Lender() = default;
    Lender(Lender&&) = default;
    Lender& operator=(Lender&&) = delete;
    Lender(const Lender&) = delete;
    Lender& operator=(const Lender&) = delete;
    virtual ~Lender() = default;

    /// @throws PoolNotFoundError when the producer is closed, or its parent's
    virtual void require_open() const = 0;

    /// @param extent  rows; as many as there is room for when not given
    virtual Lent lend(std::optional<std::uint64_t> extent) = 0;
};

/// A loan as Python sees it. It is written in C++ since what it does is little and costs much: as a
/// class of Python's it took two thirds of all instructions of a loan.
class LoanBlock {
public:
    /// @param producer  the Python object that `lender` is in
    LoanBlock(nb::object producer, Lender& lender, nb::handle extent, nb::object timestamp_ns,
              nb::object user_metadata, nb::object stream);

    /// Takes a slot.
    /// @return the array over it
    nb::object enter();

    /// Publishes, or gives the slot back when the block raised; nothing after publish().
    void exit(nb::handle exception_type);

    /// Publishes before the block ends.
    std::uint64_t publish(nb::handle stream);

    /// Rows to publish, or to take; None when that is left to the pool.
    [[nodiscard]] nb::object extent() const;

    /// @throws ValueError outside of the block, and for more rows than the array has
    void set_extent(nb::handle rows);

    nb::object timestamp_ns;
    nb::object user_metadata;
    nb::object stream;

private:
    nb::object producer_;
    Lender* lender_;
    std::optional<std::uint64_t> extent_;
    Lent lent_;
};

/// `producer.loan(extent, timestamp_ns, user_metadata, stream)` for a class of producers.
template <typename Producer>
LoanBlock loan_of(nb::handle producer, nb::handle extent, nb::object timestamp_ns,
                  nb::object user_metadata, nb::object stream)
{
    Producer& lender = *nb::inst_ptr<Producer>(producer);
    lender.require_open();
    return {nb::borrow(producer),     lender,           extent, std::move(timestamp_ns),
            std::move(user_metadata), std::move(stream)};
}

void add_loans(nb::module_& module);

}  // namespace tensor_ipc::bindings
