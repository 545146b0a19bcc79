#!/bin/sh
# Installs a build, then configures, builds and runs a project that uses what was installed.
#
#   run.sh CMAKE BUILD_FOLDER OUTSIDE_PROJECT CXX_COMPILER CXX_FLAGS
set -eu

cmake=$1
build=$2
project=$3
compiler=$4
flags=$5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# configure FOLDER OPTION...
configure() {
    folder=$1
    shift
    "$cmake" -S "$project" -B "$work/$folder" \
        -DCMAKE_PREFIX_PATH="$work/prefix" \
        -DCMAKE_CXX_COMPILER="$compiler" \
        -DCMAKE_CXX_FLAGS="$flags" "$@"
}

"$cmake" --install "$build" --prefix "$work/prefix"
configure build
"$cmake" --build "$work/build"
"$work/build/outside"

# Asked for DDS where Cyclone DDS is not found, it says so; without asking, nobody misses it.
if configure refused -DWANTED=dds -DCMAKE_DISABLE_FIND_PACKAGE_CycloneDDS=ON >"$work/log" 2>&1; then
    echo 'the component dds was found without Cyclone DDS'
    exit 1
fi
grep -q -e 'needs Cyclone DDS' -e 'without its component dds' "$work/log"
configure core -DCMAKE_DISABLE_FIND_PACKAGE_CycloneDDS=ON >/dev/null

[ -e "$work/prefix/include/tensor_ipc/dds" ] || exit 0
configure dds -DWANTED=dds
"$cmake" --build "$work/dds"
"$work/dds/outside_dds"
