/// One measurement, in fresh processes: any contender in C++ goes this way. ../roles.py is its
/// twin.
///
/// A contender is a struct with two classes:
///
///     struct Contender {
///         struct Publisher {
///             explicit Publisher(const Job&);
///             void put(Frame);                        // sends a copy
///             template <typename W> void fill(W&&);   // W writes into the memory that is sent
///         };
///         struct Subscriber {
///             Subscriber(const Job&, std::uint32_t number);
///             Frame get(std::uint64_t timeout_ns);    // a frame that was not returned before,
///             valid
///                                                     // until the next call; empty after the
///                                                     timeout
///         };
///     };
///
/// A Subscriber may have `bool last(std::vector<Frame>&)`, which fills in the kHistoryLen newest
/// frames, newest first and equally far apart, and `bool still_valid()`, which tells whether the
/// frame was overwritten meanwhile: such a one is lost, not torn.
#pragma once

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <vector>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/compare/native/job.hpp"
#include "bench/compare/native/seal.hpp"
#include "bench/compare/native/tally.hpp"

namespace compare {

inline constexpr std::uint32_t kHistoryLen = 5;
inline constexpr std::uint32_t kMostConsumers = 16;

/// Frames in front of those that count, once every consumer has got one.
inline constexpr std::uint32_t kWarmUp = 20;
inline constexpr std::uint64_t kWarmUpPeriodNs = 5'000'000;

/// Frames that a consumer may find when it comes: the time between them is part of its figure.
inline constexpr std::uint64_t kAttachPeriodNs = 1'000'000;
inline constexpr std::uint64_t kPatienceNs = 60'000'000'000;

/// A consumer that got nothing for so long looks whether it is over.
inline constexpr std::uint64_t kLookNs = 200'000'000;

/// What the processes of a job share.
struct Board {
    enum State : std::uint32_t { kSettingUp, kMeasuring, kDraining };

    std::atomic<std::uint32_t> state{kSettingUp};
    std::atomic<std::int64_t> first{-1};  ///< number of the first frame that counts
    std::atomic<std::int64_t> last{-1};   ///< number of the last frame
    std::atomic<std::uint64_t> published{0};
    std::atomic<std::uint32_t> finished{0};  ///< consumers
    std::array<std::atomic<bool>, kMostConsumers> got{};
    ProducerTally producer;
    std::array<ConsumerTally, kMostConsumers> consumers;

    [[nodiscard]] bool all_got(std::uint32_t count) const
    {
        return std::all_of(got.begin(), got.begin() + count,
                           [](const auto& one) { return one.load(); });
    }
};

[[noreturn]] inline void fail(const std::string& why)
{
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(1);
}

inline void sleep_until(std::uint64_t time_ns)
{
    const timespec until{static_cast<time_t>(time_ns / 1'000'000'000U),
                         static_cast<long>(time_ns % 1'000'000'000U)};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

template <typename Contender>
void produce(const Job& job, Board& board)
{
    const std::int64_t before = proportional_bytes();
    typename Contender::Publisher publisher(job);
    const Seal seal(job.frame_bytes);
    auto sources = job.in_place ? std::vector<std::vector<std::uint64_t>>{} : seal.frames();
    std::uint64_t count = 0;
    const auto put_next = [&] {
        const std::uint64_t sent_ns = monotonic_ns();
        if (job.in_place) {
            publisher.fill([&](std::byte* frame) { seal.stamp(frame, count, sent_ns); });
        } else {
            auto* frame = reinterpret_cast<std::byte*>(sources[count % kPatterns].data());
            seal.stamp(frame, count, sent_ns);
            publisher.put({frame, job.frame_bytes});
        }
        board.producer.puts.add(monotonic_ns() - sent_ns);
        ++count;
    };
    const std::uint64_t patient_until = monotonic_ns() + kPatienceNs;
    for (std::uint32_t extra = 0; extra < kWarmUp;) {
        put_next();
        board.published.store(count);
        const bool all = board.all_got(job.consumers);
        extra += all ? 1 : 0;
        if (all && job.kind == "attach") {
            break;
        }
        if (monotonic_ns() > patient_until) {
            fail("no frame reached some consumers");
        }
        sleep_until(monotonic_ns() + (job.kind == "attach"
                                          ? kAttachPeriodNs
                                          : std::max(kWarmUpPeriodNs, job.period_ns)));
    }
    board.producer.puts.count = 0;
    const std::uint64_t first = count;
    board.first.store(static_cast<std::int64_t>(first));
    board.state.store(Board::kMeasuring);
    const std::uint64_t began_ns = monotonic_ns();
    const std::uint64_t began_cpu_ns = processor_ns();
    if (job.kind == "throughput") {
        while (monotonic_ns() - began_ns < job.throughput_ns) {
            put_next();
        }
    } else if (job.kind != "attach") {
        for (std::uint32_t turn = 1; turn <= job.frames; ++turn) {
            sleep_until(began_ns + turn * job.period_ns);
            put_next();
        }
    }
    board.producer.cpu_ns = processor_ns() - began_cpu_ns;
    board.producer.took_ns = monotonic_ns() - began_ns;
    board.producer.published = count - first;
    board.last.store(static_cast<std::int64_t>(count) - 1);
    board.state.store(Board::kDraining);
    board.producer.memory_bytes = proportional_bytes() - before;
    while (board.finished.load() < job.consumers && monotonic_ns() < patient_until + kPatienceNs) {
        ::usleep(1000);
    }
}

/// Takes the last frames as one array. Where the contender has no such thing, they are kept and put
/// together, as its users would.
template <typename Subscriber>
class History {
public:
    History(const Job& job, Subscriber& subscriber) : job_(job), subscriber_(subscriber)
    {
        if constexpr (!requires(std::vector<Frame> & frames) { subscriber.last(frames); }) {
            if (job.kind == "history") {  // else it would count as theirs
                kept_.resize(kHistoryLen * job.frame_bytes);
                together_.resize(kept_.size());
            }
        }
    }

    void take(const Seal& seal, Frame frame, ConsumerTally& tally)
    {
        const std::uint64_t began_ns = monotonic_ns();
        std::vector<Frame> frames;
        frames.reserve(kHistoryLen);
        if constexpr (requires { subscriber_.last(frames); }) {
            if (!subscriber_.last(frames)) {
                return;
            }
        } else {
            if (!put_together(frame, frames)) {
                return;
            }
        }
        unsigned touched = 0;
        for (const Frame one : frames) {
            touched +=
                std::to_integer<unsigned>(one.front()) + std::to_integer<unsigned>(one.back());
        }
        asm volatile("" : : "r"(touched));
        const std::uint64_t took_ns = monotonic_ns() - began_ns;
        if (tally.measuring) {
            tally.history.add(took_ns);
            tally.history_wrong += in_order(seal, frames) ? 0 : 1;
        }
    }

private:
    bool put_together(Frame frame, std::vector<Frame>& frames)
    {
        std::memcpy(kept_.data() + (seen_ % kHistoryLen) * job_.frame_bytes, frame.data(),
                    frame.size());
        ++seen_;
        if (seen_ < kHistoryLen) {
            return false;
        }
        for (std::uint32_t age = 0; age < kHistoryLen; ++age) {
            std::byte* place = together_.data() + age * job_.frame_bytes;
            std::memcpy(place, kept_.data() + ((seen_ - 1 - age) % kHistoryLen) * job_.frame_bytes,
                        job_.frame_bytes);
            frames.emplace_back(place, job_.frame_bytes);
        }
        return true;
    }

    static bool in_order(const Seal& seal, const std::vector<Frame>& frames)
    {
        std::optional<std::uint64_t> newer;
        for (const Frame frame : frames) {
            const auto number = seal.number(frame);
            if (!number || (newer && *number >= *newer)) {
                return false;
            }
            newer = number;
        }
        return true;
    }

    const Job& job_;
    Subscriber& subscriber_;
    std::vector<std::byte> kept_;
    std::vector<std::byte> together_;
    std::uint64_t seen_ = 0;
};

template <typename Contender>
void consume(const Job& job, Board& board, std::uint32_t number)
{
    const std::int64_t before = proportional_bytes();
    ConsumerTally& tally = board.consumers[number];
    while (job.kind == "attach" && board.published.load() == 0) {
        ::usleep(1000);
    }
    const Seal seal(job.frame_bytes);
    const std::uint64_t opened_ns = monotonic_ns();
    typename Contender::Subscriber subscriber(job, number);
    History history(job, subscriber);
    bool first = true;
    while (board.state.load() != Board::kDraining || tally.newest < board.last.load()) {
        const Frame frame = subscriber.get(kLookNs);
        if (!tally.measuring && board.first.load() >= 0) {
            tally.begin(static_cast<std::uint64_t>(board.first.load()));
        }
        if (frame.empty()) {
            if (board.state.load() == Board::kDraining) {
                break;
            }
            continue;
        }
        const volatile std::byte* bytes = frame.data();
        (void)bytes[0];
        (void)bytes[frame.size() - 1];
        const std::uint64_t received_ns = monotonic_ns();
        if constexpr (requires { subscriber.still_valid(); }) {
            const Counts before_it = tally.counts();
            tally.take(seal, frame, received_ns, job.check == "bytes");
            if (!subscriber.still_valid()) {
                tally.go_back_to(before_it);
                continue;
            }
        } else {
            tally.take(seal, frame, received_ns, job.check == "bytes");
        }
        if (job.kind == "history") {
            history.take(seal, frame, tally);
        }
        if (first) {
            tally.attach_ns = received_ns - opened_ns;
            first = false;
            board.got[number].store(true);
        }
        if (job.kind == "attach" && board.state.load() != Board::kSettingUp) {
            break;
        }
    }
    tally.end(board.last.load());
    tally.memory_bytes = proportional_bytes() - before;
    board.finished.fetch_add(1);
}

/// Writes the figures that ../host.py writes.
inline void write_figures(const Job& job, const Board& board)
{
    std::FILE* file = std::fopen(job.output.c_str(), "w");
    if (file == nullptr) {
        fail("cannot write " + job.output);
    }
    std::vector<std::uint64_t> latencies;
    std::vector<std::uint64_t> history;
    std::vector<std::uint64_t> attach;
    std::uint64_t whole = 0;
    std::uint64_t torn = 0;
    std::uint64_t lost = 0;
    std::uint64_t repeated = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t wrong = 0;
    std::int64_t memory = board.producer.memory_bytes;
    double slowest = 1e18;
    for (std::uint32_t i = 0; i < job.consumers; ++i) {
        const ConsumerTally& one = board.consumers[i];
        whole += one.whole;
        torn += one.torn;
        lost += one.lost;
        repeated += one.repeated;
        cpu_ns += one.ended_cpu_ns - one.began_cpu_ns;
        wrong += one.history_wrong;
        memory += one.memory_bytes;
        const double seconds = static_cast<double>(one.ended_ns - one.began_ns) / 1e9;
        slowest = std::min(slowest, seconds > 0 ? static_cast<double>(one.whole) / seconds : 0.0);
        latencies.insert(latencies.end(), one.latency.ns.begin(),
                         one.latency.ns.begin() + static_cast<std::ptrdiff_t>(one.latency.count));
        history.insert(history.end(), one.history.ns.begin(),
                       one.history.ns.begin() + static_cast<std::ptrdiff_t>(one.history.count));
        attach.push_back(one.attach_ns);
    }
    std::vector<std::uint64_t> puts(
        board.producer.puts.ns.begin(),
        board.producer.puts.ns.begin() + static_cast<std::ptrdiff_t>(board.producer.puts.count));
    const auto print = [&](const char* name, std::optional<double> value) {
        if (value) {
            std::fprintf(file, ", \"%s\": %.3f", name, *value);
        } else {
            std::fprintf(file, ", \"%s\": null", name);
        }
    };
    const auto at = [](std::vector<std::uint64_t>& times, double share,
                       double unit_ns) -> std::optional<double> {
        if (times.empty()) {
            return std::nullopt;
        }
        std::sort(times.begin(), times.end());
        const auto place = static_cast<std::size_t>(share * static_cast<double>(times.size()));
        return static_cast<double>(times[std::min(place, times.size() - 1)]) / unit_ns;
    };
    const auto per_frame = [](std::uint64_t cpu, std::uint64_t count) -> std::optional<double> {
        return count > 0
                   ? std::optional(static_cast<double>(cpu) / static_cast<double>(count) / 1e3)
                   : std::nullopt;
    };
    const auto count = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::fprintf(file,
                 "{\"published\": %llu, \"received\": %llu, \"torn\": %llu, \"lost\": %llu, "
                 "\"repeated\": %llu",
                 count(board.producer.published), count(whole), count(torn), count(lost),
                 count(repeated));
    print("put_p50_us", at(puts, 0.5, 1e3));
    print("producer_cpu_us_per_frame", per_frame(board.producer.cpu_ns, board.producer.published));
    print("consumer_cpu_us_per_frame", per_frame(cpu_ns, whole));
    print("memory_mb", static_cast<double>(memory) / 1e6);
    print("import_ms", 0.0);
    if (job.kind == "latency") {
        print("latency_p50_us", at(latencies, 0.5, 1e3));
        print("latency_p99_us", at(latencies, 0.99, 1e3));
        print("latency_max_us", at(latencies, 1.0, 1e3));
    } else if (job.kind == "throughput") {
        print("frames_per_s", slowest);
        print("put_frames_per_s", static_cast<double>(board.producer.published) /
                                      (static_cast<double>(board.producer.took_ns) / 1e9));
    } else if (job.kind == "history") {
        print("history_p50_us", at(history, 0.5, 1e3));
        std::fprintf(file, ", \"history_wrong\": %llu", count(wrong));
    } else {
        print("attach_ms", at(attach, 0.5, 1e6));
    }
    std::fprintf(file, "}\n");
    std::fclose(file);
}

template <typename Body>
pid_t start(Body&& body)
{
    const pid_t process = ::fork();
    if (process < 0) {
        fail("fork failed");
    }
    if (process == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            body();
        } catch (const std::exception& error) {
            fail(error.what());
        }
        std::fflush(nullptr);
        ::_exit(0);
    }
    return process;
}

/// The whole program: nothing of the contender's is touched before its processes are forked.
template <typename Contender>
int run(int argc, char** argv)
{
    const Job job = parse_job(argc, argv);
    if (job.consumers > kMostConsumers) {
        fail("too many consumers");
    }
    void* memory =
        ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail("mmap failed");
    }
    Board& board = *new (memory) Board();
    const auto start_producer = [&] { start([&] { produce<Contender>(job, board); }); };
    if (job.kind == "attach") {
        start_producer();
    }
    for (std::uint32_t number = 0; number < job.consumers; ++number) {
        start([&, number] { consume<Contender>(job, board, number); });
    }
    if (job.kind != "attach") {
        start_producer();
    }
    for (std::uint32_t ended = 0; ended < job.consumers + 1; ++ended) {
        int status = 0;
        const pid_t process = ::wait(&status);
        if (process < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            std::fprintf(stderr, "a process of the job ended with status %d\n", status);
            return 1;  // the others die with us
        }
    }
    write_figures(job, board);
    return 0;
}

}  // namespace compare
