/// The structures that frameworks hand tensors over in. Layout and meaning: the DLPack
/// specification, version 1.1 (https://dmlc.github.io/dlpack/latest/c_api.html), and for the
/// exchange functions 1.3. The names are DLPack's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tensor_ipc::dlpack {

/// Of the structures below. Those of another major version must not be looked into.
struct DLPackVersion {
    std::uint32_t major;
    std::uint32_t minor;
};

inline constexpr DLPackVersion kVersion{1, 1};

enum DLDeviceType : std::int32_t {  // NOLINT(performance-enum-size): the ABI's
    kDLCPU = 1,
    kDLCUDA = 2,
    kDLCUDAHost = 3,  ///< host memory that the driver pinned
    kDLROCMHost = 11,
    kDLCUDAManaged = 13,  ///< memory that moves between host and device by itself
};

struct DLDevice {
    DLDeviceType device_type;
    std::int32_t device_id;
};

/// As tensor_ipc::DType.
struct DLDataType {
    std::uint8_t code;
    std::uint8_t bits;
    std::uint16_t lanes;
};

struct DLTensor {
    void* data;
    DLDevice device;
    std::int32_t ndim;
    DLDataType dtype;
    std::int64_t* shape;
    std::int64_t* strides;  ///< in elements; null for C order
    std::uint64_t byte_offset;
};

/// From before version 1.0: cannot say that it is read-only.
struct DLManagedTensor {
    DLTensor dl_tensor;
    void* manager_ctx;
    void (*deleter)(DLManagedTensor* self);
};

/// Bits of DLManagedTensorVersioned::flags.
inline constexpr std::uint64_t kReadOnly = 1U << 0U;
inline constexpr std::uint64_t kIsCopied = 1U << 1U;

struct DLManagedTensorVersioned {
    DLPackVersion version;
    void* manager_ctx;
    void (*deleter)(DLManagedTensorVersioned* self);
    std::uint64_t flags;
    DLTensor dl_tensor;
};

/// Names of the Python capsules.
inline constexpr const char* kCapsule = "dltensor";
inline constexpr const char* kUsedCapsule = "used_dltensor";
inline constexpr const char* kVersionedCapsule = "dltensor_versioned";
inline constexpr const char* kUsedVersionedCapsule = "used_dltensor_versioned";
inline constexpr const char* kExchangeCapsule = "dlpack_exchange_api";

/// Functions of a framework that spare the way through Python objects. All need the GIL, return 0
/// or set a Python error. Found in the attribute `__dlpack_c_exchange_api__` of its array class.
struct DLPackExchangeAPI {
    DLPackVersion version;
    DLPackExchangeAPI* previous;
    int (*managed_tensor_allocator)(DLTensor* prototype, DLManagedTensorVersioned** out,
                                    void* error_context,
                                    void (*set_error)(void* error_context, const char* kind,
                                                      const char* message));
    int (*managed_tensor_from_py_object)(void* object, DLManagedTensorVersioned** out);
    int (*managed_tensor_to_py_object)(DLManagedTensorVersioned* tensor, void** object);
    int (*dltensor_from_py_object)(void* object, DLTensor* out);
    int (*current_work_stream)(DLDeviceType device_type, std::int32_t device_id, void** stream);
};

static_assert(sizeof(void*) == 8, "offsets below are those of 64-bit platforms");
static_assert(sizeof(DLTensor) == 48);
static_assert(offsetof(DLTensor, ndim) == 16);
static_assert(offsetof(DLTensor, dtype) == 20);
static_assert(offsetof(DLTensor, shape) == 24);
static_assert(offsetof(DLTensor, strides) == 32);
static_assert(offsetof(DLTensor, byte_offset) == 40);
static_assert(sizeof(DLManagedTensor) == 64);
static_assert(offsetof(DLManagedTensorVersioned, flags) == 24);
static_assert(offsetof(DLManagedTensorVersioned, dl_tensor) == 32);
static_assert(offsetof(DLPackExchangeAPI, managed_tensor_to_py_object) == 32);
static_assert(offsetof(DLPackExchangeAPI, dltensor_from_py_object) == 40);

}  // namespace tensor_ipc::dlpack
