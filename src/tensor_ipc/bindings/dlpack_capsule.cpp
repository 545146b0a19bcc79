#include "tensor_ipc/bindings/dlpack_capsule.hpp"

namespace tensor_ipc::bindings {

namespace {

template <typename Managed>
void delete_unless_taken(PyObject* capsule, const char* name)
{
    if (PyCapsule_IsValid(capsule, name) != 0) {
        auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
        managed->deleter(managed);
    }
}

template <typename Managed>
nb::object new_capsule(Managed* managed, const char* name, PyCapsule_Destructor destructor)
{
    PyObject* capsule = PyCapsule_New(managed, name, destructor);
    if (capsule == nullptr) {
        managed->deleter(managed);
        throw nb::python_error();
    }
    return nb::steal(capsule);
}

template <typename Managed>
Managed* take(nb::handle capsule, const char* name, const char* used_name)
{
    auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), name));
    if (managed == nullptr || PyCapsule_SetName(capsule.ptr(), used_name) != 0) {
        throw nb::python_error();
    }
    return managed;
}

/// Older ones know no `max_version`. @param others  more arguments
nb::object ask_for_capsule(nb::handle object, const nb::dict& others)
{
    const nb::object ask = object.attr("__dlpack__");
    nb::dict arguments;
    arguments.update(others);
    arguments["max_version"] = nb::make_tuple(dlpack::kVersion.major, dlpack::kVersion.minor);
    try {
        return ask(**arguments);
    } catch (nb::python_error& error) {
        if (!error.matches(PyExc_TypeError)) {
            throw;
        }
    }
    return ask(**others);
}

}  // namespace

nb::object capsule_of(dlpack::DLManagedTensorVersioned* managed)
{
    return new_capsule(managed, dlpack::kVersionedCapsule, [](PyObject* capsule) {
        delete_unless_taken<dlpack::DLManagedTensorVersioned>(capsule, dlpack::kVersionedCapsule);
    });
}

nb::object capsule_of(dlpack::DLManagedTensor* managed)
{
    return new_capsule(managed, dlpack::kCapsule, [](PyObject* capsule) {
        delete_unless_taken<dlpack::DLManagedTensor>(capsule, dlpack::kCapsule);
    });
}

std::optional<dlpack::DLDevice> dlpack_device_of(nb::handle object)
{
    if (!nb::hasattr(object, "__dlpack__") || !nb::hasattr(object, "__dlpack_device__")) {
        return std::nullopt;
    }
    const nb::object place = object.attr("__dlpack_device__")();
    return dlpack::DLDevice{static_cast<dlpack::DLDeviceType>(nb::cast<int>(place[0])),
                            nb::cast<std::int32_t>(place[1])};
}

std::optional<TakenTensor> TakenTensor::from(nb::handle object)
{
    // Asked before, so that nothing is copied or waited for on another device.
    const auto device = dlpack_device_of(object);
    if (!device) {
        return std::nullopt;
    }
    dlpack::DLTensor there{};
    there.device = *device;
    const ForeignMemory on_device(there);
    if (!on_device.is_on_host()) {
        refuse(PyExc_TypeError,
               "expected data in host memory, got some on " + on_device.device_text());
    }
    return TakenTensor(ask_for_capsule(object, nb::dict()));
}

TakenTensor TakenTensor::on_device(nb::handle object, std::int64_t stream)
{
    nb::dict arguments;
    arguments["stream"] = stream;
    return TakenTensor(ask_for_capsule(object, arguments));
}

TakenTensor::TakenTensor(nb::handle capsule)
{
    if (PyCapsule_IsValid(capsule.ptr(), dlpack::kVersionedCapsule) != 0) {
        versioned_ = take<dlpack::DLManagedTensorVersioned>(capsule, dlpack::kVersionedCapsule,
                                                            dlpack::kUsedVersionedCapsule);
        if (versioned_->version.major != dlpack::kVersion.major) {
            const std::string found = std::to_string(versioned_->version.major);
            versioned_->deleter(versioned_);
            refuse(PyExc_BufferError, "expected DLPack version 1, got version " + found);
        }
    } else {
        unversioned_ =
            take<dlpack::DLManagedTensor>(capsule, dlpack::kCapsule, dlpack::kUsedCapsule);
    }
}

TakenTensor::~TakenTensor()
{
    if (versioned_ != nullptr && versioned_->deleter != nullptr) {
        versioned_->deleter(versioned_);
    }
    if (unversioned_ != nullptr && unversioned_->deleter != nullptr) {
        unversioned_->deleter(unversioned_);
    }
}

}  // namespace tensor_ipc::bindings
