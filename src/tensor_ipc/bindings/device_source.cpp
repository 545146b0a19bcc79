#include "tensor_ipc/bindings/device_source.hpp"

#include "tensor_ipc/bindings/torch.hpp"
#include "tensor_ipc/bindings/type_codes.hpp"
#include "tensor_ipc/cuda/pointer.hpp"

namespace tensor_ipc::bindings {

namespace {

constexpr const char* kInterface = "__cuda_array_interface__";

/// What `__cuda_array_interface__` says: https://numba.readthedocs.io, "CUDA Array Interface
/// (Version 3)".
class Interface {
public:
    explicit Interface(nb::object found) : fields_(std::move(found)) {}

    /// The stream that the data is ready on; nothing when it is ready, or nobody says.
    [[nodiscard]] std::optional<cuda::StreamHandle> stream() const
    {
        const nb::object stream = field("stream");
        if (stream.is_none()) {
            return std::nullopt;
        }
        if (nb::cast<std::int64_t>(stream) <= 0) {
            refuse(PyExc_ValueError,
                   "__cuda_array_interface__: stream is None, 1, 2 or a handle, got " +
                       nb::cast<std::string>(nb::repr(stream)));
        }
        return stream_handle(nb::cast<std::uintptr_t>(stream));
    }

    [[nodiscard]] ForeignMemory memory() const
    {
        if (!field("mask").is_none()) {
            refuse(PyExc_TypeError,
                   "masked arrays cannot be shared: put the data, and the mask "
                   "into a pool of its own");
        }
        const auto typestr = nb::cast<std::string>(field("typestr"));
        const std::optional<DType> dtype = dtype_of_typestr(typestr);
        if (!dtype) {
            refuse(PyExc_TypeError, "elements of type '" + typestr + "' cannot be shared");
        }
        const auto address = nb::cast<std::uintptr_t>(field("data")[0]);
        const auto shape = nb::cast<std::vector<std::int64_t>>(nb::list(field("shape")));
        const nb::object strides = field("strides");
        ForeignMemory memory(address, std::string(dtype_name(*dtype)), shape,
                             strides.is_none()
                                 ? c_order(shape, dtype->item_bytes())
                                 : nb::cast<std::vector<std::int64_t>>(nb::list(strides)));
        memory.device_type = dlpack::kDLCUDA;
        memory.device_id = device_of(address);
        return memory;
    }

private:
    [[nodiscard]] nb::object field(const char* name) const { return fields_.attr("get")(name); }

    static std::vector<std::int64_t> c_order(const std::vector<std::int64_t>& shape,
                                             std::int64_t item_bytes)
    {
        std::vector<std::int64_t> strides(shape.size());
        for (std::size_t i = shape.size(); i-- > 0;) {
            strides[i] = item_bytes;
            item_bytes *= shape[i];
        }
        return strides;
    }

    static int device_of(std::uintptr_t address)
    {
        const auto& driver = *unwrap(cuda::Driver::get());
        const auto facts = unwrap(cuda::facts_of(driver, address));
        if (!facts || facts->type != cuda::MemoryType::Device) {
            refuse(PyExc_TypeError,
                   "__cuda_array_interface__ names an address that is not in the "
                   "memory of a GPU of this process");
        }
        return facts->device_ordinal;
    }

    nb::object fields_;
};

/// @param or_else_dlpack  what cannot answer has another way to say where its elements are
std::optional<Interface> interface_of(nb::handle data, bool or_else_dlpack)
{
    PyObject* found = PyObject_GetAttrString(data.ptr(), kInterface);
    if (found != nullptr) {
        return Interface(nb::steal(found));
    }
    // JAX has it for types that NumPy knows, and refuses the others with errors of its own.
    if (PyErr_ExceptionMatches(PyExc_AttributeError) != 0 || or_else_dlpack) {
        PyErr_Clear();
        return std::nullopt;
    }
    throw nb::python_error();
}

bool is_on_cuda(const std::optional<dlpack::DLDevice>& device)
{
    return device && (device->device_type == dlpack::kDLCUDA ||
                      device->device_type == dlpack::kDLCUDAManaged);
}

}  // namespace

DeviceSource::DeviceSource(const ForeignMemory& memory, cuda::StreamHandle stream,
                           nb::handle object)
    : memory_(memory), stream_(stream), object_(nb::borrow(object))
{
}

DeviceSource DeviceSource::of_torch(nb::handle tensor, std::optional<cuda::StreamHandle> stream)
{
    Torch& torch = Torch::get();
    const ForeignMemory memory = torch.memory_of(tensor);
    DeviceSource source(memory, stream ? *stream : torch.current_stream(memory.device_id), tensor);
    source.frees_in_stream_order_ = true;
    return source;
}

std::optional<DeviceSource> DeviceSource::from(nb::handle data,
                                               std::optional<cuda::StreamHandle> stream)
{
    if (Torch::is_tensor(data)) {
        return Torch::is_on_cuda(data) ? std::optional(of_torch(data, stream)) : std::nullopt;
    }
    const std::optional<dlpack::DLDevice> device = dlpack_device_of(data);
    if (device && !bindings::is_on_cuda(device)) {
        return std::nullopt;
    }
    const std::optional<Interface> interface = interface_of(data, device.has_value());
    if (!device && !interface) {
        return std::nullopt;
    }
    if (!stream && interface) {
        stream = interface->stream();
    }
    // Nobody says where the owner will work with it next: the legacy default stream, which most
    // streams wait for.
    const cuda::StreamHandle ready_on = stream.value_or(stream_handle(kLegacyStream));
    if (!device) {
        return DeviceSource(interface->memory(), ready_on, data);
    }
    TakenTensor taken =
        TakenTensor::on_device(data, static_cast<std::int64_t>(stream_number(ready_on)));
    DeviceSource source(ForeignMemory(taken.tensor()), ready_on, data);
    source.taken_.emplace(std::move(taken));
    return source;
}

nb::object describe_device_array(nb::handle data)
{
    const std::optional<dlpack::DLDevice> device = dlpack_device_of(data);
    if (device && !is_on_cuda(device)) {
        return nb::none();
    }
    std::optional<ForeignMemory> memory;
    if (device) {
        // Not -1, for no order, which is a stream's handle to JAX.
        const TakenTensor taken = TakenTensor::on_device(data, kLegacyStream);
        memory.emplace(taken.tensor());
    } else if (const auto interface = interface_of(data, false)) {
        memory.emplace(interface->memory());
    } else {
        return nb::none();
    }
    const std::string_view name = dtype_name(memory->dtype);
    if (name.empty()) {
        refuse(PyExc_TypeError, "elements of DLPack code " + std::to_string(memory->dtype.code) +
                                    " and " + std::to_string(memory->dtype.bits) +
                                    " bits cannot be shared");
    }
    nb::list shape;
    for (std::uint32_t i = 0; i < memory->layout.dimensions; ++i) {
        shape.append(memory->layout.extents[i]);
    }
    return nb::make_tuple(nb::tuple(shape), std::string(name), memory->device_id);
}

}  // namespace tensor_ipc::bindings
