/// What python_paths.py tells Callgrind through ctypes. Outside Callgrind these do nothing.
#include <valgrind/callgrind.h>

extern "C" {

/// From here on instructions are counted. What ran before, imports above all, runs faster.
void marks_begin()
{
    CALLGRIND_START_INSTRUMENTATION;
}

/// Forgets what was counted.
void marks_zero()
{
    CALLGRIND_ZERO_STATS;
}

/// Writes down what was counted since, under that name.
void marks_dump(const char* name)
{
    CALLGRIND_DUMP_STATS_AT(name);
}
}
