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

"$cmake" --install "$build" --prefix "$work/prefix"
"$cmake" -S "$project" -B "$work/build" \
    -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_CXX_FLAGS="$flags"
"$cmake" --build "$work/build"
"$work/build/outside"
