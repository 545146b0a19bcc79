#include "tensor_ipc/os/dynamic_library.hpp"

#include <cstdlib>

#include <dlfcn.h>

namespace tensor_ipc::os {

Result<DynamicLibrary> DynamicLibrary::load(const std::string& name)
{
    void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* reason = ::dlerror();  // NOLINT(concurrency-mt-unsafe): per thread in glibc
        return Error{ErrorCode::System,
                     "dlopen '" + name + "': " + (reason == nullptr ? "no reason given" : reason)};
    }
    return DynamicLibrary(handle);
}

void* DynamicLibrary::find(const char* symbol) const noexcept
{
    return ::dlsym(handle_, symbol);
}

std::optional<std::string> environment(const char* variable)
{
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr || *value == '\0') {
        return std::nullopt;
    }
    return value;
}

}  // namespace tensor_ipc::os
