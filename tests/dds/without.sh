#!/bin/sh
# Configures the project without DDS, as where Cyclone DDS is not found, and looks what is left.
#
#   without.sh CMAKE SOURCE_FOLDER C_COMPILER CXX_COMPILER
set -eu

cmake=$1
source=$2
c_compiler=$3
cxx_compiler=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

configure() {
    folder=$1
    shift
    "$cmake" -S "$source" -B "$work/$folder" -G 'Unix Makefiles' -DTENSOR_IPC_BUILD_TESTS=OFF \
        -DCMAKE_C_COMPILER="$c_compiler" -DCMAKE_CXX_COMPILER="$cxx_compiler" "$@" >"$work/log"
}

configure off -DTENSOR_IPC_DDS=OFF
"$cmake" --build "$work/off" --target help >"$work/targets"
grep -q tensor_ipc_core "$work/targets"
if grep -q tensor_ipc_dds "$work/targets"; then
    echo 'TENSOR_IPC_DDS=OFF has a target for DDS all the same'
    exit 1
fi

configure auto -DTENSOR_IPC_DDS=AUTO -DCMAKE_DISABLE_FIND_PACKAGE_CycloneDDS=ON
grep -q 'apt-get install cyclonedds-dev' "$work/log"
