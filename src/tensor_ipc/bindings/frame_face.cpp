#include "tensor_ipc/bindings/frame_face.hpp"

#include <new>

#include "tensor_ipc/bindings/dlpack_capsule.hpp"
#include "tensor_ipc/bindings/type_codes.hpp"
#include "tensor_ipc/bindings/user_metadata.hpp"

namespace tensor_ipc::bindings {

namespace {

constexpr const char* kIsList =
    "frames of a pool of varying extent are no one array: use .data, which is a list of arrays";

constexpr const char* kReleased = "this frame was released: get another one";

constexpr const char* kOnDevice =
    "the frames lie in the memory of a GPU: for NumPy use get(as_numpy=True), which copies them";

/// What a Py_buffer points to, for as long as it is out.
struct BufferShape {
    StridedLayout layout;
};

const FramesFace& face_of(nb::handle self)
{
    if (nb::isinstance<FrameFace>(self)) {
        return nb::cast<FrameFace&>(self);
    }
    return nb::cast<FrameWindowFace&>(self);
}

}  // namespace

const FrameWindow& FramesFace::window() const
{
    if (window_ == nullptr) {
        refuse(PyExc_ValueError, kReleased);
    }
    return *window_;
}

nb::object FramesFace::data()
{
    static_cast<void>(window());
    if (!data_.is_valid()) {
        data_ = arrays_->native_over(window_, order_);
    }
    return data_;
}

nb::object FramesFace::numpy()
{
    static_cast<void>(window());
    return arrays_->numpy_over(window_, order_);
}

nb::object FramesFace::to_dlpack(const DlpackArguments& asked) const
{
    if (window().on_device() && !asked.on_host()) {
        if (is_list()) {
            refuse(PyExc_BufferError, kIsList);
        }
        return device_capsule(window_, dlpack::memory_of(*window_, order_), asked);
    }
    if (!asked.stream.is_none()) {
        refuse(PyExc_BufferError, "frames in host memory have no stream, got stream=" +
                                      nb::cast<std::string>(nb::repr(asked.stream)));
    }
    if (!asked.dl_device.is_none() && !asked.on_host()) {
        refuse(PyExc_BufferError, "the frames lie in host memory, (1, 0), and are asked for on " +
                                      nb::cast<std::string>(nb::repr(asked.dl_device)));
    }
    if (is_list()) {
        refuse(PyExc_BufferError, kIsList);
    }
    const bool versioned = asked.versioned();
    if (window_->on_device() && !asked.copy.is_none() && !nb::cast<bool>(asked.copy)) {
        refuse(PyExc_BufferError,
               "the frames lie in the memory of a GPU: for the host they have "
               "to be copied, and copy=False forbids that");
    }
    if (window_->on_device() || (!asked.copy.is_none() && nb::cast<bool>(asked.copy))) {
        return to_dlpack_copied(versioned);
    }
    if (arrays_->torch_views() == TorchViews::ReadOnly) {
        if (!versioned) {
            refuse(PyExc_BufferError,
                   "these frames are read-only, which only DLPack 1.0 can say: ask with "
                   "max_version=(1, 0), or make the consumer without torch_views='readonly'");
        }
        return capsule_of(dlpack::make_versioned(dlpack::memory_of(*window_, order_), window_,
                                                 dlpack::kReadOnly));
    }
    // Private memory, since not everyone heeds the flag, and some cannot see it.
    PrivateWindow window = unwrap(PrivateWindow::over(window_));
    const dlpack::TensorMemory memory = dlpack::memory_of(window, order_);
    return versioned
               ? capsule_of(dlpack::make_versioned(memory, std::move(window), dlpack::kReadOnly))
               : capsule_of(dlpack::make_unversioned(memory, std::move(window)));
}

nb::object FramesFace::to_dlpack_copied(bool versioned) const
{
    const ArrayRequest request = request_of(*window_, order_);
    const std::size_t bytes = window_->count() * window_->payload_bytes();
    auto owned = std::make_unique<std::byte[]>(bytes);  // NOLINT(*-avoid-c-arrays)
    copy_frames(*window_, request, owned.get());
    const dlpack::TensorMemory memory{owned.get(), window_->metadata().dtype,
                                      layout_of_copy(*window_, request)};
    return versioned
               ? capsule_of(dlpack::make_versioned(memory, std::move(owned), dlpack::kIsCopied))
               : capsule_of(dlpack::make_unversioned(memory, std::move(owned)));
}

nb::tuple FramesFace::dlpack_device() const
{
    return window().on_device()
               ? nb::make_tuple(static_cast<int>(dlpack::kDLCUDA), window_->device().ordinal)
               : nb::make_tuple(static_cast<int>(dlpack::kDLCPU), 0);
}

void FramesFace::record_stream(nb::handle stream) const
{
    const auto named = named_stream(stream);
    if (!named) {
        refuse(PyExc_TypeError, "record_stream needs a stream, got None");
    }
    if (!window().on_device()) {
        refuse(PyExc_ValueError, "frames in host memory have no stream");
    }
    window_->record_stream(*named);
}

void FramesFace::release(nb::handle stream)
{
    const auto named = named_stream(stream);
    if (window_ != nullptr && named) {
        if (!window_->on_device()) {
            refuse(PyExc_ValueError, "frames in host memory have no stream");
        }
        window_->record_stream(*named);
    }
    data_.reset();
    window_.reset();
}

nb::dict FramesFace::cuda_interface() const
{
    if (!window().on_device()) {
        refuse(PyExc_AttributeError, "the frames lie in host memory");
    }
    if (is_list()) {
        refuse(PyExc_TypeError, kIsList);
    }
    return cuda_array_interface(dlpack::memory_of(*window_, order_), /*read_only=*/true);
}

nb::object FramesFace::numpy_refusal() const
{
    if (!window().on_device()) {
        refuse(PyExc_AttributeError, "__array__");
    }
    return nb::cpp_function(
        [](const nb::args&, const nb::kwargs&) { refuse(PyExc_TypeError, kOnDevice); });
}

nb::dict FramesFace::array_interface() const
{
    if (window().on_device()) {
        refuse(PyExc_AttributeError, kOnDevice);
    }
    if (is_list()) {
        refuse(PyExc_TypeError, kIsList);
    }
    const dlpack::TensorMemory memory = dlpack::memory_of(*window_, order_);
    const TypeCodes* codes = codes_of(memory.dtype);
    if (codes == nullptr) {
        refuse(PyExc_AttributeError, no_code(memory.dtype, ".data or DLPack"));
    }
    nb::list extents;
    nb::list strides;
    for (std::uint32_t i = 0; i < memory.layout.dimensions; ++i) {
        extents.append(memory.layout.extents[i]);
        strides.append(memory.layout.strides[i]);
    }
    nb::dict interface;
    interface["version"] = 3;
    interface["shape"] = nb::tuple(extents);
    interface["strides"] = nb::tuple(strides);
    interface["typestr"] = codes->typestr;
    interface["data"] = nb::make_tuple(reinterpret_cast<std::uintptr_t>(memory.data), true);
    return interface;
}

int FramesFace::get_buffer(PyObject* self, Py_buffer* view, int flags)
{
    view->obj = nullptr;
    const FramesFace& face = face_of(self);
    if (!face.is_held() || face.window().on_device()) {
        PyErr_SetString(PyExc_BufferError, face.is_held() ? kOnDevice : kReleased);
        return -1;
    }
    if (face.is_list()) {
        PyErr_SetString(PyExc_BufferError, kIsList);
        return -1;
    }
    const dlpack::TensorMemory memory = dlpack::memory_of(face.window(), face.order());
    const TypeCodes* codes = codes_of(memory.dtype);
    const char* trouble = nullptr;
    const bool contiguous = is_contiguous(memory.layout, memory.dtype.item_bytes());
    if ((flags & PyBUF_WRITABLE) != 0) {
        trouble = "frames are read-only";
    } else if (!contiguous && (flags & PyBUF_STRIDES) != PyBUF_STRIDES) {
        trouble = "a window of frames is not contiguous: ask for strides";
    }
    if (codes == nullptr) {
        PyErr_SetString(PyExc_BufferError, no_code(memory.dtype, ".data or DLPack").c_str());
        return -1;
    }
    if (trouble != nullptr) {
        PyErr_SetString(PyExc_BufferError, trouble);
        return -1;
    }
    auto* shape = new (std::nothrow) BufferShape{memory.layout};  // NOLINT(*-owning-memory)
    if (shape == nullptr) {
        PyErr_NoMemory();
        return -1;
    }
    view->buf = memory.data;
    view->itemsize = memory.dtype.item_bytes();
    view->len = view->itemsize;
    for (std::uint32_t i = 0; i < memory.layout.dimensions; ++i) {
        view->len *= memory.layout.extents[i];
    }
    view->readonly = 1;
    // Who does not ask for the shape gets the bytes in a row.
    view->ndim = (flags & PyBUF_ND) != 0 ? static_cast<int>(memory.layout.dimensions) : 1;
    view->format = (flags & PyBUF_FORMAT) != 0 ? const_cast<char*>(codes->format) : nullptr;
    view->shape = (flags & PyBUF_ND) != 0 ? shape->layout.extents.data() : nullptr;
    view->strides =
        (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? shape->layout.strides.data() : nullptr;
    view->suboffsets = nullptr;
    view->internal = shape;
    view->obj = self;
    Py_INCREF(self);
    return 0;
}

void FramesFace::release_buffer(PyObject* /*self*/, Py_buffer* view)
{
    delete static_cast<BufferShape*>(view->internal);  // NOLINT(*-owning-memory)
}

namespace {

std::string text_of(const FramesFace& face)
{
    const FrameWindow& window = face.window();
    const StridedLayout layout = frame_layout(window.metadata(), window.info().extent);
    std::string shape = Shape(std::span(layout.extents).first(layout.dimensions)).text();
    std::string text = "Frame(index=" + std::to_string(window.info().index);
    if (face.order().axis == dlpack::FrameAxis::First) {
        shape = frame_shape_text(window.metadata());
        text = "FrameWindow(indices=(";
        for (std::uint32_t i = 0; i < window.count(); ++i) {
            text.append(std::to_string(window.info_at(face.age_at(i)).index)).append(", ");
        }
        text.replace(text.size() - (window.count() == 1 ? 1 : 2), std::string::npos, ")");
    }
    return text + ", shape=" + shape +
           ", dtype=" + std::string(dtype_name(window.metadata().dtype)) + ")";
}

/// A tuple with the value of each frame, in the order of the data. @param value_of  given its age
template <typename ValueOf>
nb::tuple each_age(const FrameWindowFace& face, const ValueOf& value_of)
{
    nb::list values;
    for (std::uint32_t place = 0; place < face.window().count(); ++place) {
        values.append(value_of(face.age_at(place)));
    }
    return nb::tuple(values);
}

template <typename ValueOf>
nb::tuple each_of(const FrameWindowFace& face, const ValueOf& value_of)
{
    return each_age(face, [&](std::uint32_t age) { return value_of(face.window().info_at(age)); });
}

constexpr const char* kFrameDoc =
    R"(One frame with its number and times, for every framework.

Holds the frame as an array from `TensorConsumer.get` does: it never changes, and stays pinned, as
long as this object or anything made from it lives. Speaks DLPack (`from_dlpack` of NumPy, torch,
JAX, ...), the buffer protocol (`memoryview`, `numpy.asarray`, Arrow) and ``__array_interface__``.
All of them see the pool's memory; nothing is copied unless ``__dlpack__(copy=True)`` asks for it.)";

constexpr const char* kRecordStreamDoc =
    R"(Name a stream that reads this frame in the memory of a GPU.

The slot goes back to the producer only after what the stream was asked for by the time that the frame is let go of.
``stream`` is a handle as an int, or an object with ``cuda_stream`` (torch), ``ptr`` (CuPy) or
``__cuda_stream__()``. Needed for work on another stream than the one that the array was got or
exported on. Raises ValueError for frames in host memory.)";

constexpr const char* kReleaseDoc =
    R"(Let go of the frame now, and not when this object dies.

On a GPU the slot goes back to the producer in the order of ``stream``, and of those of `record_stream`. Arrays
that were made of this keep the frame until they die. Nothing can be had of this object
afterwards.)";

constexpr const char* kFrameWindowDoc =
    R"(Frames of one pool as one array, with the number and times of each.

As `Frame`, with an axis for the frames in front. In a pool of varying extent ``data`` is a list of
arrays, and there is no other way to see them as one. ``index``, ``timestamp_ns``,
``published_ns`` and ``age_s`` are those of the newest frame.)";

template <typename Face>
nb::class_<Face> add_class(nb::module_& module, const char* name, const char* doc)
{
    nb::class_<Face> made(module, name, nb::is_weak_referenceable(), doc);
    made.def_prop_ro(
            "data", [](Face& self) { return self.data(); },
            "Array of the pool's framework, as from `TensorConsumer.get`; always the same object.")
        .def_prop_ro(
            "index", [](const Face& self) { return self.window().info().index; },
            "Number of the frame, from 0.")
        .def_prop_ro(
            "timestamp_ns", [](const Face& self) { return self.window().info().captured_ns; },
            "Time of capture if the producer gave one, else ``published_ns``.")
        .def_prop_ro(
            "published_ns", [](const Face& self) { return self.window().info().published_ns; },
            "CLOCK_MONOTONIC at publication; one clock for all processes of the host.")
        .def_prop_ro(
            "age_s",
            [](const Face& self) {
                const std::uint64_t now = os::monotonic_ns();
                const std::uint64_t then = self.window().info().published_ns;
                return static_cast<double>(now - then) / 1e9;
            },
            "Seconds since publication, as of now.")
        .def_prop_ro(
            "copied", [](const Face& self) { return self.window().copied(); },
            "Whether the bytes had to be copied out of the pool.")
        .def_prop_ro("__array_interface__", [](const Face& self) { return self.array_interface(); })
        .def_prop_ro("__cuda_array_interface__",
                     [](const Face& self) { return self.cuda_interface(); })
        .def_prop_ro("__array__", [](const Face& self) { return self.numpy_refusal(); })
        .def("__dlpack_device__", [](const Face& self) { return self.dlpack_device(); })
        .def(
            "__dlpack__",
            [](const Face& self, nb::handle stream, nb::handle max_version, nb::handle dl_device,
               nb::handle copy) {
                return self.to_dlpack({stream, max_version, dl_device, copy});
            },
            nb::kw_only(), nb::arg("stream").none() = nb::none(),
            nb::arg("max_version").none() = nb::none(), nb::arg("dl_device").none() = nb::none(),
            nb::arg("copy").none() = nb::none())
        .def(
            "numpy", [](Face& self) { return self.numpy(); },
            "NumPy array whatever the pool's backend: a read-only view of frames in host memory, a "
            "copy of those on a GPU, which this waits for.")
        .def(
            "record_stream",
            [](const Face& self, nb::handle stream) { self.record_stream(stream); },
            nb::arg("stream").none(), kRecordStreamDoc)
        .def(
            "release", [](Face& self, nb::handle stream) { self.release(stream); },
            nb::arg("stream").none() = nb::none(), kReleaseDoc)
        .def("__repr__", [](const Face& self) { return text_of(self); });
    // Set here and not by a type slot, which Python 3.8 does not have for buffers.
    auto* type = reinterpret_cast<PyHeapTypeObject*>(made.ptr());
    type->as_buffer.bf_getbuffer = &FramesFace::get_buffer;
    type->as_buffer.bf_releasebuffer = &FramesFace::release_buffer;
    PyType_Modified(&type->ht_type);
    return made;
}

}  // namespace

void add_frames(nb::module_& module)
{
    add_class<FrameFace>(module, "Frame", kFrameDoc)
        .def_prop_ro(
            "user_metadata",
            [](const FrameFace& self) { return dict_of(self.window().user_metadata()); },
            "Texts that the producer gave this frame; a new dict each time, empty without any.");
    add_class<FrameWindowFace>(module, "FrameWindow", kFrameWindowDoc)
        .def("__len__", [](const FrameWindowFace& self) { return self.window().count(); })
        .def_prop_ro(
            "latest_first", [](const FrameWindowFace& self) { return self.order().latest_first; },
            "Whether the newest frame is at index 0, else the oldest.")
        .def_prop_ro(
            "indices",
            [](const FrameWindowFace& self) {
                return each_of(self, [](const FrameInfo& info) { return info.index; });
            },
            "Number of each frame, in the order of ``data``.")
        .def_prop_ro(
            "timestamps_ns",
            [](const FrameWindowFace& self) {
                return each_of(self, [](const FrameInfo& info) { return info.captured_ns; });
            },
            "Time of capture of each frame, in the order of ``data``.")
        .def_prop_ro(
            "published_times_ns",
            [](const FrameWindowFace& self) {
                return each_of(self, [](const FrameInfo& info) { return info.published_ns; });
            },
            "CLOCK_MONOTONIC at the publication of each frame, in the order of ``data``.")
        .def_prop_ro(
            "user_metadata",
            [](const FrameWindowFace& self) {
                return each_age(self, [&](std::uint32_t age) {
                    return dict_of(self.window().user_metadata(age));
                });
            },
            "Texts that the producer gave each frame, in the order of ``data``.");
}

}  // namespace tensor_ipc::bindings
