#!/bin/sh
# Makes the virtual environment $1 and installs the locked dependencies and this package into it.
# uv, itself locked, does it in seconds; where uv cannot be had or fails, pip does the same from the same lock.
set -eu

venv=$1
bin=$venv/bin

usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
        if usable "$name"; then
            command -v "$name"
            return
        fi
    done
    echo "No Python 3.11, 3.12 or 3.13 was found. Install one, or say where it is: make install PYTHON=/path/to/python3.12" >&2
    return 1
}

has_pip() {
    "$bin/python" -m pip --version > /dev/null 2>&1 || "$bin/python" -m ensurepip > /dev/null 2>&1
}

if ! usable "$bin/python" || ! has_pip; then
    python=$(find_python)
    rm -rf "$venv"
    echo "Making $venv with $("$python" --version)"
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "$python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi

echo "Installing from requirements.lock"
awk '/^uv==/ {on = 1; print; next} /^ / && on {print; next} {on = 0}' requirements.lock > "$venv/uv.lock"
if "$bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$venv/uv.lock" &&
    "$bin/uv" pip install --quiet --compile-bytecode --python "$bin/python" --require-hashes --requirement requirements.lock &&
    "$bin/uv" pip install --quiet --python "$bin/python" --no-deps --no-build-isolation --offline --editable .; then
    exit 0
fi

echo "uv could not do it; installing with pip, which takes a minute or two"
"$bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
"$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
