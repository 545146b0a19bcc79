/// One measurement, as ../process.py writes it on the command line: name=value, and the file for
/// the figures at the end.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace compare {

struct Job {
    std::string kind;   ///< latency, throughput, history or attach
    std::string check;  ///< stamps or bytes
    std::string name;   ///< unlike that of any other run
    std::string output;
    std::size_t frame_bytes = 0;
    std::uint32_t consumers = 1;
    std::uint32_t frames = 0;         ///< measured when they are paced
    std::uint64_t period_ns = 0;      ///< between frames when they are paced
    std::uint64_t throughput_ns = 0;  ///< how long frames are sent when they are not
    bool in_place = false;            ///< only stamps are written, into the memory that is sent
    bool spin = false;                ///< a consumer looks all the time, and never sleeps
};

inline Job parse_job(int argc, char** argv)
{
    std::map<std::string, std::string> given;
    for (int i = 1; i + 1 < argc; ++i) {
        const std::string argument = argv[i];
        const auto equals = argument.find('=');
        if (equals != std::string::npos) {
            given[argument.substr(0, equals)] = argument.substr(equals + 1);
        }
    }
    const auto number = [&](const char* name) { return std::atof(given[name].c_str()); };
    Job job;
    job.kind = given["kind"];
    job.check = given["check"];
    job.name = given["name"];
    job.output = argc > 1 ? argv[argc - 1] : "";
    job.frame_bytes = static_cast<std::size_t>(number("bytes"));
    job.consumers = static_cast<std::uint32_t>(number("consumers"));
    job.frames = static_cast<std::uint32_t>(number("frames"));
    job.period_ns = static_cast<std::uint64_t>(number("period_s") * 1e9);
    job.throughput_ns = static_cast<std::uint64_t>(number("seconds") * 1e9);
    job.in_place = number("in_place") != 0;
    job.spin = number("spin") != 0;
    if (job.kind.empty() || job.frame_bytes < 256 || job.consumers == 0) {
        std::fprintf(stderr, "usage: %s kind=... bytes=... consumers=... OUTPUT\n", argv[0]);
        std::exit(2);
    }
    return job;
}

}  // namespace compare
