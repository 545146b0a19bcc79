#include "tensor_ipc/bindings/torch.hpp"

#include <array>
#include <new>
#include <optional>

#include "tensor_ipc/bindings/dlpack_capsule.hpp"

namespace tensor_ipc::bindings {

namespace {

constexpr const char* kHelpers = "tensor_ipc.backends.torch_backend";

/// Host memory of our own, aligned as torch aligns its own.
struct AlignedDelete {
    void operator()(std::byte* bytes) const noexcept
    {
        ::operator delete[](bytes, std::align_val_t{64});
    }
};

using OwnedBytes = std::unique_ptr<std::byte, AlignedDelete>;

OwnedBytes allocate(std::size_t bytes)
{
    return OwnedBytes(static_cast<std::byte*>(::operator new[](bytes, std::align_val_t{64})));
}

/// A type of that size that every torch knows, or nothing.
std::optional<DType> plain_type(std::uint32_t item_bytes)
{
    switch (item_bytes) {
        case 1:
            return DType{1, 8};
        case 2:
            return DType{0, 16};
        case 4:
            return DType{0, 32};
        case 8:
            return DType{0, 64};
        default:
            return std::nullopt;
    }
}

nb::object torch_if_imported()
{
    PyObject* modules = PyImport_GetModuleDict();  // borrowed
    PyObject* found = PyDict_GetItemString(modules, "torch");
    return found == nullptr ? nb::object() : nb::borrow(found);
}

bool is_instance(nb::handle object, nb::handle type)
{
    const int is = PyObject_IsInstance(object.ptr(), type.ptr());
    if (is < 0) {
        throw nb::python_error();
    }
    return is == 1;
}

bool says_yes(nb::handle object, const char* method)
{
    return nb::cast<bool>(object.attr(method)());
}

/// Whether torch put off a change of sign of some parts: the bytes alone would be wrong then.
bool is_put_off(nb::handle tensor, DType dtype)
{
    constexpr std::uint8_t kFloat = 2;
    constexpr std::uint8_t kComplex = 5;
    return (dtype.code == kComplex && says_yes(tensor, "is_conj")) ||
           ((dtype.code == kComplex || dtype.code == kFloat) && says_yes(tensor, "is_neg"));
}

}  // namespace

Torch& Torch::get()
{
    static Torch* torch = nullptr;  // never destroyed: tensors may outlive this module
    if (torch == nullptr) {
        torch = new Torch;  // NOLINT(*-owning-memory)
    }
    return *torch;
}

bool Torch::is_tensor(nb::handle object)
{
    const nb::object torch = torch_if_imported();
    return torch.is_valid() && nb::hasattr(torch, "Tensor") &&
           is_instance(object, torch.attr("Tensor"));
}

bool Torch::is_on_cuda(nb::handle tensor)
{
    return nb::cast<bool>(tensor.attr("is_cuda"));
}

Torch::Torch()
    : module_(nb::borrow<nb::module_>(nb::module_::import_(kHelpers).attr("import_torch")())),
      from_dlpack_(nb::module_::import_("torch.utils.dlpack").attr("from_dlpack"))
{
    const nb::object type = module_.attr("Tensor");
    if (nb::hasattr(type, "__dlpack_c_exchange_api__")) {
        const nb::object capsule = type.attr("__dlpack_c_exchange_api__");
        const auto* found = static_cast<const dlpack::DLPackExchangeAPI*>(
            PyCapsule_GetPointer(capsule.ptr(), dlpack::kExchangeCapsule));
        if (found == nullptr) {
            throw nb::python_error();
        }
        exchange_ = found->version.major == dlpack::kVersion.major ? found : nullptr;
    }
}

nb::object Torch::imported(dlpack::DLManagedTensorVersioned* managed) const
{
    void* tensor = nullptr;
    if (exchange_->managed_tensor_to_py_object(managed, &tensor) != 0) {
        // Whose `managed` is then is not specified; losing it does less harm than deleting it
        // twice.
        throw nb::python_error();
    }
    return nb::steal(static_cast<PyObject*>(tensor));
}

nb::object Torch::imported(dlpack::DLManagedTensor* managed) const
{
    return from_dlpack_(capsule_of(managed));
}

bool Torch::reads_as(DType carrier, nb::handle torch_dtype) const
{
    OwnedBytes bytes = allocate(carrier.item_bytes());
    const dlpack::TensorMemory memory{bytes.get(), carrier, {}};
    try {
        const nb::object made = tensor(memory, {carrier, {}}, std::move(bytes));
        return made.attr("dtype").is(torch_dtype);
    } catch (const nb::python_error&) {
        return false;  // this torch takes no such type from others
    }
}

TorchDtype Torch::dtype(DType dtype) const
{
    const std::string name(dtype_name(dtype));
    if (!nb::hasattr(module_, name.c_str())) {
        refuse(PyExc_TypeError, "torch " + nb::cast<std::string>(module_.attr("__version__")) +
                                    " has no dtype " + name);
    }
    const nb::object wanted = module_.attr(name.c_str());
    if (reads_as(dtype, wanted)) {
        return {dtype, {}};
    }
    const std::optional<DType> carrier = plain_type(dtype.item_bytes());
    return {carrier.value_or(dtype), wanted};
}

ForeignMemory Torch::memory_of(nb::handle tensor) const
{
    if (exchange_ != nullptr) {
        dlpack::DLTensor found{};
        if (exchange_->dltensor_from_py_object(tensor.ptr(), &found) == 0) {
            ForeignMemory memory(found);
            memory.as_is = !is_put_off(tensor, memory.dtype);
            return memory;
        }
        PyErr_Clear();
    }
    // Says what is wrong with it, or does the same with the means of an older torch.
    const nb::object parts = nb::module_::import_(kHelpers).attr("describe")(tensor);
    ForeignMemory memory(nb::cast<std::uintptr_t>(parts[0]), nb::cast<std::string>(parts[1]),
                         nb::cast<std::vector<std::int64_t>>(parts[2]),
                         nb::cast<std::vector<std::int64_t>>(parts[3]));
    if (!parts[4].is_none()) {
        memory.device_type = dlpack::kDLCUDA;
        memory.device_id = nb::cast<std::int32_t>(parts[4]);
    }
    memory.as_is = !is_put_off(tensor, memory.dtype);
    return memory;
}

cuda::StreamHandle Torch::current_stream(std::int32_t device) const
{
    void* stream = nullptr;
    if (exchange_ != nullptr) {
        if (exchange_->current_work_stream(dlpack::kDLCUDA, device, &stream) != 0) {
            throw nb::python_error();
        }
        return static_cast<cuda::StreamHandle>(stream);
    }
    const nb::object found = module_.attr("cuda").attr("current_stream")(device);
    return stream_handle(nb::cast<std::uintptr_t>(found.attr("cuda_stream")));
}

void Torch::copy(nb::handle into, nb::handle from)
{
    into.attr("copy_")(from.attr("detach")());
}

nb::object tensor_copy(const FrameWindow& window, const TorchDtype& dtype,
                       const ArrayRequest& request)
{
    OwnedBytes bytes = allocate(request.frames_of(window) * window.payload_bytes());
    copy_frames(window, request, bytes.get());
    const dlpack::TensorMemory memory{bytes.get(), window.metadata().dtype,
                                      layout_of_copy(window, request)};
    return Torch::get().tensor(memory, dtype, std::move(bytes));
}

nb::object tensor_over(std::shared_ptr<const FrameWindow> window, const TorchDtype& dtype,
                       TorchViews views, dlpack::FrameAxis axis)
{
    const dlpack::FrameOrder order{axis, window->newest_first()};
    if (views == TorchViews::ReadOnly) {
        const dlpack::TensorMemory memory = dlpack::memory_of(*window, order);
        return Torch::get().tensor(memory, dtype, std::move(window));
    }
    PrivateWindow private_window = unwrap(PrivateWindow::over(std::move(window)));
    const dlpack::TensorMemory memory = dlpack::memory_of(private_window, order);
    return Torch::get().tensor(memory, dtype, std::move(private_window));
}

FrameTensors::FrameTensors(std::shared_ptr<const FrameWindow> window, const TorchDtype& dtype,
                           TorchViews views)
    : window_(std::move(window)), dtype_(&dtype)
{
    if (views == TorchViews::Private) {
        private_ = std::make_shared<const PrivateWindow>(unwrap(PrivateWindow::over(window_)));
    }
}

nb::object FrameTensors::at(std::uint32_t age) const
{
    return private_ != nullptr
               ? Torch::get().tensor(dlpack::memory_of_frame(*private_, age), *dtype_, private_)
               : Torch::get().tensor(dlpack::memory_of_frame(*window_, age), *dtype_, window_);
}

nb::object new_tensor(const StridedLayout& layout, DType dtype, const TorchDtype& torch_dtype,
                      std::span<const std::byte> bytes)
{
    OwnedBytes owned = allocate(bytes.size());
    copy_bytes(bytes, owned.get());
    const dlpack::TensorMemory memory{owned.get(), dtype, layout};
    return Torch::get().tensor(memory, torch_dtype, std::move(owned));
}

nb::object tensor_on(std::span<std::byte> bytes, std::uint64_t extent, const PoolMetadata& metadata,
                     const TorchDtype& dtype)
{
    const dlpack::TensorMemory memory{bytes.data(), metadata.dtype, frame_layout(metadata, extent)};
    return Torch::get().tensor(memory, dtype, nullptr);
}

nb::object writable_tensor(const Loan& loan, const PoolMetadata& metadata, const TorchDtype& dtype)
{
    const dlpack::TensorMemory memory{loan.bytes().data(), metadata.dtype,
                                      frame_layout(metadata, loan.extent())};
    return Torch::get().tensor(memory, dtype, loan.mapping());
}

}  // namespace tensor_ipc::bindings
