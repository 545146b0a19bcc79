/// A control group with little memory, where the kernel's out-of-memory killer can be met.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace tensor_ipc::testing {

/// Made where this process may make one (as root, with cgroup v1 or a v2 that delegates memory),
/// removed with this; whoever joined it has to be gone by then.
class MemoryCgroup {
public:
    explicit MemoryCgroup(std::uint64_t bytes)
    {
        const std::string name = "tensor-ipc-test-" + std::to_string(::getpid());
        for (const auto& [root, limit] :
             {std::pair{"/sys/fs/cgroup/memory/", "memory.limit_in_bytes"},
              std::pair{"/sys/fs/cgroup/", "memory.max"}}) {
            const std::filesystem::path folder = root + name;
            std::error_code refused;
            if (!std::filesystem::create_directory(folder, refused)) {
                continue;
            }
            folder_ = folder;
            is_limited_ = write(folder / limit, std::to_string(bytes));
            write(folder / "memory.swap.max", "0");
            if (is_limited_) {
                return;
            }
            ::rmdir(folder_.c_str());
        }
    }

    MemoryCgroup(const MemoryCgroup&) = delete;
    MemoryCgroup& operator=(const MemoryCgroup&) = delete;

    ~MemoryCgroup() { ::rmdir(folder_.c_str()); }

    /// False where no such group could be made.
    [[nodiscard]] bool is_limited() const { return is_limited_; }

    /// Moves this process into it.
    [[nodiscard]] bool join() const
    {
        return write(folder_ / "cgroup.procs", std::to_string(::getpid()));
    }

private:
    static bool write(const std::filesystem::path& file, const std::string& text)
    {
        std::ofstream stream(file);
        stream << text << std::flush;
        return stream.good();
    }

    std::filesystem::path folder_;
    bool is_limited_ = false;
};

}  // namespace tensor_ipc::testing
