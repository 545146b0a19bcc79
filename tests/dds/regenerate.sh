#!/bin/sh
# Makes the C code of an IDL file anew and compares it with what is checked in.
# Exit code 77: skipped, with the reason.
#
#   regenerate.sh FOLDER_OF_THE_IDL [NAME_OF_THE_IDL]
set -eu

folder=$1
name=${2:-tensor_ipc}
if ! command -v idlc >/dev/null; then
    echo 'skipped: no idlc here (apt-get install cyclonedds-tools)'
    exit 77
fi
made_by=$(sed -n 's/^ *Cyclone DDS: V//p' "$folder/generated/$name.h")
here=$(idlc -v | sed -n 's/^idlc[^0-9]*//p')
if [ "$made_by" != "$here" ]; then
    echo "skipped: generated/ was made by idlc $made_by, here is $here"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cp "$folder/$name.idl" "$work"
(cd "$work" && idlc -t -o generated "$name.idl")
for file in "$name.h" "$name.c"; do
    sed '/^ *Source: /d' "$folder/generated/$file" >"$work/stored"
    sed '/^ *Source: /d' "$work/generated/$file" | diff -u "$work/stored" -
done
if grep -q type_information "$folder/generated/$name.c"; then
    echo 'generated/ has type information, with which Fast DDS crashes Cyclone DDS 0.10: idlc -t'
    exit 1
fi
