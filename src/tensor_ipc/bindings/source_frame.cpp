#include "tensor_ipc/bindings/source_frame.hpp"

#include "tensor_ipc/bindings/numpy_object.hpp"

namespace tensor_ipc::bindings {

namespace {

std::string class_name(nb::handle object)
{
    const auto type = nb::borrow(reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())));
    const auto module = nb::cast<std::string>(type.attr("__module__"));
    const auto name = nb::cast<std::string>(type.attr("__qualname__"));
    return module == "builtins" ? name : module + "." + name;
}

/// What a pool takes, for people.
std::string framework_of(const ArrayMaker& pool)
{
    if (pool.is_on_device() && !pool.is_torch()) {
        return "arrays in the memory of a GPU";
    }
    return pool.is_torch() ? "torch.Tensor" : "numpy.ndarray";
}

std::string text_of(nb::handle object)
{
    return nb::cast<std::string>(nb::str(object));
}

[[noreturn]] void refuse_kind(const ArrayMaker& pool, nb::handle data)
{
    refuse(PyExc_TypeError, "pool '" + pool.metadata().name + "' takes " + framework_of(pool) +
                                ", got " + class_name(data));
}

[[noreturn]] void refuse_other_framework(const ArrayMaker& pool, nb::handle data)
{
    refuse(PyExc_TypeError, "pool '" + pool.metadata().name + "' takes " + framework_of(pool) +
                                ", got " + class_name(data) +
                                ": convert it, or make the producer with accept_any=True");
}

bool is_numpy(nb::handle data)
{
    return PyArray_Check(data.ptr()) || PyArray_IsScalar(data.ptr(), Generic);
}

/// A NumPy type of that many bytes, whatever they mean: the copy is of bytes.
PyArray_Descr* raw_type(std::uint32_t item_bytes)
{
    switch (item_bytes) {
        case 1:
            return PyArray_DescrFromType(NPY_UINT8);
        case 2:
            return PyArray_DescrFromType(NPY_UINT16);
        case 4:
            return PyArray_DescrFromType(NPY_UINT32);
        case 8:
            return PyArray_DescrFromType(NPY_UINT64);
        default:
            return PyArray_DescrFromType(NPY_CDOUBLE);
    }
}

nb::object raw_array(const ForeignMemory& memory)
{
    return checked(PyArray_NewFromDescr(&PyArray_Type, raw_type(memory.dtype.item_bytes()),
                                        static_cast<int>(memory.layout.dimensions),
                                        memory.layout.extents.data(), memory.layout.strides.data(),
                                        const_cast<std::byte*>(memory.data), 0, nullptr));
}

}  // namespace

SourceFrame::SourceFrame(nb::handle data, ArrayMaker& pool, bool accept_any)
{
    if (is_numpy(data)) {
        if (pool.is_torch() && !accept_any) {
            refuse_other_framework(pool, data);
        }
        take_numpy(data, pool);
        return;
    }
    if (Torch::is_tensor(data)) {
        if (!pool.is_torch() && !accept_any) {
            refuse_other_framework(pool, data);
        }
        take_torch(data, pool.metadata());
        return;
    }
    // Frameworks that no pool is of: whatever speaks DLPack or the buffer protocol.
    if (auto taken = TakenTensor::from(data)) {
        take_dlpack(std::move(*taken), class_name(data), pool.metadata());
    } else if (PyObject_CheckBuffer(data.ptr()) != 0) {
        // Through a memoryview, because NumPy takes some of them, bytes for one, for scalars.
        const nb::object view = checked(PyMemoryView_FromObject(data.ptr()));
        take_numpy(checked(PyArray_FromAny(view.ptr(), nullptr, 0, 0, 0, nullptr)), pool);
    } else {
        refuse_kind(pool, data);
    }
}

void SourceFrame::take_numpy(nb::handle data, ArrayMaker& pool)
{
    const PoolMetadata& metadata = pool.metadata();
    object_ = PyArray_Check(data.ptr()) ? nb::borrow(data)
                                        : checked(PyArray_FromScalar(data.ptr(), nullptr));
    PyArrayObject* array = as_array(object_);
    auto* found = reinterpret_cast<PyObject*>(PyArray_DESCR(array));
    const nb::handle dtype = pool.numpy_dtype();
    if (!PyArray_EquivTypes(PyArray_DESCR(array), reinterpret_cast<PyArray_Descr*>(dtype.ptr()))) {
        refuse(PyExc_TypeError, "pool '" + metadata.name + "' holds dtype " + text_of(dtype) +
                                    ", got " + text_of(found) +
                                    ": convert it with .astype() if that is meant");
    }
    const std::span<const std::int64_t> extents(PyArray_DIMS(array),
                                                static_cast<std::size_t>(PyArray_NDIM(array)));
    if (!takes_shape(metadata, extents)) {
        refuse(PyExc_ValueError, "pool '" + metadata.name + "' holds frames of shape " +
                                     frame_shape_text(metadata) + ", got " + Shape(extents).text());
    }
    extent_ = extents.empty() ? 1 : static_cast<std::uint64_t>(extents.front());
    how_ = PyArray_IS_C_CONTIGUOUS(array) ? How::Bytes : How::NumPy;
    bytes_ = static_cast<const std::byte*>(PyArray_DATA(array));
}

void SourceFrame::take_torch(nb::handle data, const PoolMetadata& pool)
{
    const ForeignMemory memory = Torch::get().memory_of(data);
    require_match(memory, pool, "torch.Tensor");
    object_ = nb::borrow(data);
    extent_ = memory.extent();
    how_ = memory.is_plain() ? How::Bytes : How::Torch;
    bytes_ = memory.data;
}

void SourceFrame::take_dlpack(TakenTensor taken, const std::string& kind, const PoolMetadata& pool)
{
    const ForeignMemory memory(taken.tensor());
    require_match(memory, pool, kind);
    taken_.emplace(std::move(taken));
    extent_ = memory.extent();
    bytes_ = memory.data;
    if (!memory.is_plain()) {
        how_ = How::NumPy;
        object_ = raw_array(memory);
    }
}

std::optional<std::span<const std::byte>> SourceFrame::few_bytes(
    std::uint64_t row_bytes) const noexcept
{
    const std::uint64_t bytes = extent_ * row_bytes;
    if (how_ != How::Bytes || bytes >= kBytesWorthTheGil) {
        return std::nullopt;
    }
    return std::span(bytes_, bytes);
}

void SourceFrame::copy_to(Loan& loan, ArrayMaker& pool) const
{
    const std::span<std::byte> into = loan.bytes();
    if (how_ != How::Bytes) {
        copy_to(into, pool);
    } else if (into.size() >= kBytesWorthTheGil) {
        const nb::gil_scoped_release unlocked;
        loan.fill({bytes_, into.size()});
    } else {
        loan.fill({bytes_, into.size()});
    }
}

void SourceFrame::copy_to(std::span<std::byte> into, ArrayMaker& pool) const
{
    if (into.empty()) {
        return;  // there may be no address to copy from
    }
    if (how_ == How::Torch) {
        // Not through the pool's framework: with accept_any the pool may be NumPy's.
        Torch::copy(tensor_on(into, extent_, pool.metadata(), pool.torch_dtype()), object_);
    } else if (how_ == How::NumPy) {
        PyArrayObject* from = as_array(object_);
        const nb::object target = checked(PyArray_NewFromDescr(
            &PyArray_Type, new_reference(reinterpret_cast<PyObject*>(PyArray_DESCR(from))),
            PyArray_NDIM(from), PyArray_DIMS(from), nullptr, into.data(), NPY_ARRAY_CARRAY,
            nullptr));
        if (PyArray_CopyInto(as_array(target), from) < 0) {
            throw nb::python_error();
        }
    } else {
        copy_bytes({bytes_, into.size()}, into.data());
    }
}

}  // namespace tensor_ipc::bindings
