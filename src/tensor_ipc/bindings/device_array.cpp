#include "tensor_ipc/bindings/device_array.hpp"

#include "tensor_ipc/bindings/device_source.hpp"
#include "tensor_ipc/bindings/numpy_views.hpp"
#include "tensor_ipc/bindings/type_codes.hpp"

namespace tensor_ipc::bindings {

namespace {

constexpr const char* kReleased = "this array was released: get another one";

constexpr const char* kDoc =
    R"(An array in the memory of a GPU, for any framework that knows CUDA.

What `TensorConsumer.get` returns of a pool with backend ``"cuda"``, and what a loan of its producer
yields. Speaks DLPack (``cupy.from_dlpack``, ``jax.dlpack.from_dlpack``, ``torch.from_dlpack``) and
``__cuda_array_interface__``, version 3 (``cupy.asarray``, Numba). Nothing is copied, and no function of CUDA is
called. The host cannot look into it.

Frames are complete when they are got: any stream may read them at once. They are read-only, which most
frameworks do not enforce: **never write to them.** The slot goes back to the producer when the last array that was
made of this is gone, and then in the order of the streams that `record_stream` and ``__dlpack__`` named;
without any, in that of the legacy default stream, which waits for all streams but non-blocking ones.)";

nb::tuple tuple_of(std::span<const std::int64_t> values, std::uint32_t count)
{
    nb::list list;
    for (const std::int64_t value : values.first(count)) {
        list.append(value);
    }
    return nb::tuple(list);
}

std::int64_t elements_of(const StridedLayout& layout)
{
    std::int64_t elements = 1;
    for (std::uint32_t i = 0; i < layout.dimensions; ++i) {
        elements *= layout.extents[i];
    }
    return elements;
}

}  // namespace

bool DlpackArguments::versioned() const
{
    return !max_version.is_none() &&
           nb::cast<std::uint32_t>(max_version[0]) >= dlpack::kVersion.major;
}

bool DlpackArguments::on_host() const
{
    return !dl_device.is_none() && nb::cast<int>(dl_device[0]) == static_cast<int>(dlpack::kDLCPU);
}

std::optional<cuda::StreamHandle> check_device_request(const DlpackArguments& asked,
                                                       std::int32_t ordinal)
{
    if (!asked.dl_device.is_none() &&
        (nb::cast<int>(asked.dl_device[0]) != static_cast<int>(dlpack::kDLCUDA) ||
         nb::cast<std::int32_t>(asked.dl_device[1]) != ordinal)) {
        refuse(PyExc_BufferError, "the data lies on device (2, " + std::to_string(ordinal) +
                                      "), and is asked for on " +
                                      nb::cast<std::string>(nb::repr(asked.dl_device)));
    }
    if (!asked.copy.is_none() && nb::cast<bool>(asked.copy)) {
        refuse(PyExc_BufferError,
               "no copy is made in the memory of a GPU: take the array as it "
               "is and copy it with your framework, or ask for the host with "
               "dl_device=(1, 0)");
    }
    return dlpack_stream(asked.stream);
}

nb::object device_capsule(const std::shared_ptr<const FrameWindow>& window,
                          const dlpack::TensorMemory& memory, const DlpackArguments& asked)
{
    const auto stream = check_device_request(asked, memory.device.device_id);
    // JAX asks for no version, so where the device refuses writes it gets what it can read.
    if (!asked.versioned() && !window->is_write_protected()) {
        refuse(PyExc_BufferError,
               "these frames are read-only, which only DLPack 1.0 can say, and their memory is of "
               "kind 'ipc', where the GPU would not refuse a write: ask with max_version=(1, 0), "
               "use __cuda_array_interface__, or make the pool with device_memory='vmm'");
    }
    if (stream) {
        window->record_stream(*stream);
    }
    return asked.versioned() ? capsule_of(dlpack::make_versioned(memory, window, dlpack::kReadOnly))
                             : capsule_of(dlpack::make_unversioned(memory, window));
}

nb::dict cuda_array_interface(const dlpack::TensorMemory& memory, bool read_only)
{
    const TypeCodes* codes = codes_of(memory.dtype);
    if (codes == nullptr) {
        refuse(PyExc_AttributeError, no_code(memory.dtype, "DLPack"));
    }
    const bool contiguous = is_contiguous(memory.layout, memory.dtype.item_bytes());
    nb::dict interface;
    interface["version"] = 3;
    interface["shape"] = tuple_of(memory.layout.extents, memory.layout.dimensions);
    interface["strides"] =
        contiguous ? nb::none()
                   : nb::object(tuple_of(memory.layout.strides, memory.layout.dimensions));
    interface["typestr"] = codes->typestr;
    interface["data"] = nb::make_tuple(reinterpret_cast<std::uintptr_t>(memory.data), read_only);
    interface["stream"] = nb::none();
    return interface;
}

void DeviceArrayFace::require_held() const
{
    if (window_ == nullptr && loan_ == nullptr) {
        refuse(PyExc_ValueError, kReleased);
    }
}

StridedLayout DeviceArrayFace::layout() const
{
    require_held();
    if (loan_ != nullptr) {
        return loaned_.layout;
    }
    return order_ ? dlpack::layout_of(*window_, *order_) : dlpack::layout_of_frame(*window_, age_);
}

DType DeviceArrayFace::dtype() const
{
    require_held();
    return loan_ != nullptr ? loaned_.dtype : window_->metadata().dtype;
}

std::int32_t DeviceArrayFace::ordinal() const
{
    require_held();
    return loan_ != nullptr ? loaned_.device.device_id : window_->device().ordinal;
}

dlpack::TensorMemory DeviceArrayFace::memory() const
{
    if (loan_ != nullptr) {
        return loaned_;
    }
    return order_ ? dlpack::memory_of(*window_, *order_) : dlpack::memory_of_frame(*window_, age_);
}

nb::object DeviceArrayFace::to_dlpack(const DlpackArguments& asked) const
{
    require_held();
    if (loan_ == nullptr) {
        return device_capsule(window_, memory(), asked);
    }
    if (const auto stream = check_device_request(asked, ordinal())) {
        loan_->streams.push_back(*stream);
    }
    return asked.versioned() ? capsule_of(dlpack::make_versioned(loaned_, loan_->memory, 0))
                             : capsule_of(dlpack::make_unversioned(loaned_, loan_->memory));
}

nb::dict DeviceArrayFace::interface() const
{
    require_held();
    return cuda_array_interface(memory(), /*read_only=*/loan_ == nullptr);
}

void DeviceArrayFace::record_stream(nb::handle stream) const
{
    require_held();
    const auto named = named_stream(stream);
    if (!named) {
        refuse(PyExc_TypeError, "record_stream needs a stream, got None");
    }
    if (loan_ != nullptr) {
        loan_->streams.push_back(*named);
    } else {
        window_->record_stream(*named);
    }
}

void DeviceArrayFace::release(nb::handle stream)
{
    if (loan_ != nullptr) {
        refuse(PyExc_ValueError, "a slot on loan is not released but published: leave the block");
    }
    const auto named = named_stream(stream);
    if (named && window_ != nullptr) {
        window_->record_stream(*named);
    }
    window_.reset();
}

void add_device_arrays(nb::module_& module)
{
    nb::class_<DeviceArrayFace>(module, "DeviceArray", nb::is_weak_referenceable(), kDoc)
        .def_prop_ro(
            "shape",
            [](const DeviceArrayFace& self) {
                const StridedLayout layout = self.layout();
                return tuple_of(layout.extents, layout.dimensions);
            },
            "Extents of the array.")
        .def_prop_ro(
            "strides",
            [](const DeviceArrayFace& self) {
                const StridedLayout layout = self.layout();
                return tuple_of(layout.strides, layout.dimensions);
            },
            "Bytes from one element to the next, for each dimension.")
        .def_prop_ro(
            "ndim", [](const DeviceArrayFace& self) { return self.layout().dimensions; },
            "How many dimensions.")
        .def_prop_ro(
            "nbytes",
            [](const DeviceArrayFace& self) {
                return elements_of(self.layout()) * self.dtype().item_bytes();
            },
            "Bytes of all elements.")
        .def_prop_ro(
            "dtype", [](const DeviceArrayFace& self) { return numpy_dtype(self.dtype()); },
            "The NumPy dtype of the elements; TypeError where NumPy has none.")
        .def_prop_ro(
            "device",
            [](const DeviceArrayFace& self) { return "cuda:" + std::to_string(self.ordinal()); },
            "The GPU by this process's number for it: ``\"cuda:0\"``.")
        .def("__dlpack_device__",
             [](const DeviceArrayFace& self) {
                 return nb::make_tuple(static_cast<int>(dlpack::kDLCUDA), self.ordinal());
             })
        .def(
            "__dlpack__",
            [](const DeviceArrayFace& self, nb::handle stream, nb::handle max_version,
               nb::handle dl_device, nb::handle copy) {
                return self.to_dlpack({stream, max_version, dl_device, copy});
            },
            nb::kw_only(), nb::arg("stream").none() = nb::none(),
            nb::arg("max_version").none() = nb::none(), nb::arg("dl_device").none() = nb::none(),
            nb::arg("copy").none() = nb::none())
        .def_prop_ro("__cuda_array_interface__",
                     [](const DeviceArrayFace& self) { return self.interface(); })
        .def(
            "__array__",
            [](const DeviceArrayFace&, const nb::args&, const nb::kwargs&) -> nb::object {
                refuse(PyExc_TypeError,
                       "the array lies in the memory of a GPU: for NumPy use "
                       "get(as_numpy=True), which copies it");
            },
            "For NumPy, which would make an array of one object else.")
        .def("record_stream", &DeviceArrayFace::record_stream, nb::arg("stream").none(),
             "Name a stream that works with the array; see `Frame.record_stream`.")
        .def("release", &DeviceArrayFace::release, nb::arg("stream").none() = nb::none(),
             "Let go of the frames now; see `Frame.release`.")
        .def("__repr__", [](const DeviceArrayFace& self) {
            const StridedLayout layout = self.layout();
            return "DeviceArray(shape=" +
                   Shape(std::span(layout.extents).first(layout.dimensions)).text() +
                   ", dtype=" + std::string(dtype_name(self.dtype())) +
                   ", device=cuda:" + std::to_string(self.ordinal()) + ")";
        });
    module.def("describe_device_array", &describe_device_array, nb::arg("data").none());
}

}  // namespace tensor_ipc::bindings
