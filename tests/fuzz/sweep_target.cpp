/// A shared memory directory full of anything under the names of pools: `inspect_all` shows it,
/// `clean` removes what is a leftover of ours and nothing else.
#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/leftover.hpp"
#include "tensor_ipc/os/shared_memory.hpp"
#include "tensor_ipc/pool/pool.hpp"

namespace tensor_ipc::fuzz {

namespace {

enum class Kind : std::uint8_t { Living, Dead, Damaged, Arbitrary, Link, Fifo, Folder };

/// Things under the names `a`, `b`, ... of this namespace.
class Directory {
public:
    void add(FuzzInput& input)
    {
        const std::string name(1, static_cast<char>('a' + kinds_.size()));
        const PoolPlan plan = next_plan(input, name);
        const auto kind = static_cast<Kind>(input.below(7));
        kinds_[name] = kind;
        const std::string path = path_of(name);
        switch (kind) {
            case Kind::Living: {
                auto producer = Producer::create(plan.metadata, plan.options);
                FUZZ_REQUIRE(producer);
                producers_.push_back(std::move(producer).value());
                break;
            }
            case Kind::Dead:
                leftovers_.push_back(std::make_unique<Leftover>(plan));
                break;
            case Kind::Damaged:
                leftovers_.push_back(std::make_unique<Leftover>(plan));
                leftovers_.back()->damage(input);
                break;
            case Kind::Arbitrary: {
                const std::size_t wanted = input.byte();
                const std::uint64_t whole = input.number<std::uint16_t>();
                const auto rest = input.rest();
                write_object(name, rest.first(std::min(rest.size(), wanted)), whole);
                break;
            }
            case Kind::Link:
                FUZZ_REQUIRE(::symlink("/dev/null", path.c_str()) == 0);
                break;
            case Kind::Fifo:
                FUZZ_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
                break;
            case Kind::Folder:
                FUZZ_REQUIRE(::mkdir(path.c_str(), 0700) == 0);
                break;
        }
    }

    /// Whether it is a file whose producer, if it ever had one, is gone.
    static bool is_leftover(Kind kind)
    {
        return kind == Kind::Dead || kind == Kind::Damaged || kind == Kind::Arbitrary;
    }

    void require_as_before() const
    {
        for (const auto& [name, kind] : kinds_) {
            FUZZ_REQUIRE(exists(name));
        }
    }

    void require_clean() const
    {
        for (const auto& [name, kind] : kinds_) {
            FUZZ_REQUIRE(exists(name) == !is_leftover(kind));
        }
    }

    [[nodiscard]] std::size_t size() const { return kinds_.size(); }

    [[nodiscard]] std::size_t leftovers() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(
            kinds_, [](const auto& entry) { return is_leftover(entry.second); }));
    }

    ~Directory()
    {
        producers_.clear();
        for (const auto& [name, kind] : kinds_) {
            ::unlink(path_of(name).c_str());
            ::rmdir(path_of(name).c_str());
        }
    }

private:
    static bool exists(const std::string& name)
    {
        struct stat status {};

        return ::lstat(path_of(name).c_str(), &status) == 0;
    }

    std::map<std::string, Kind> kinds_;
    std::vector<Producer> producers_;
    std::vector<std::unique_ptr<Leftover>> leftovers_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    FuzzInput input({data, size});
    Directory directory;
    while (!input.empty() && directory.size() < 5) {
        directory.add(input);
    }

    const auto pools = inspect_all();
    FUZZ_REQUIRE(pools && pools->size() == directory.size());
    const auto would = clean(true);
    FUZZ_REQUIRE(would && would->size() == directory.leftovers());
    directory.require_as_before();
    const auto removed = clean(false);
    FUZZ_REQUIRE(removed && removed->size() == directory.leftovers());
    directory.require_clean();
    return 0;
}

}  // namespace tensor_ipc::fuzz
