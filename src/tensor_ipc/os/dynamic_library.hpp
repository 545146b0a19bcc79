/// A shared library that is loaded while the program runs (dlopen(3)).
#pragma once

#include <optional>
#include <string>

#include "tensor_ipc/base/error.hpp"

namespace tensor_ipc::os {

/// Stays loaded until the process ends, whatever becomes of this: drivers start threads, and
/// frames may be released while static objects die.
class DynamicLibrary {
public:
    /// @param name  a path, or a name that the dynamic linker looks for
    /// @return System, with the linker's own words
    [[nodiscard]] static Result<DynamicLibrary> load(const std::string& name);

    /// The address of `symbol`; null when the library does not export it.
    [[nodiscard]] void* find(const char* symbol) const noexcept;

private:
    explicit DynamicLibrary(void* handle) noexcept : handle_(handle) {}

    void* handle_;
};

/// The value of an environment variable, if it is there and not empty.
[[nodiscard]] std::optional<std::string> environment(const char* variable);

}  // namespace tensor_ipc::os
