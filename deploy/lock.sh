#!/bin/sh
# Writes requirements.lock with the uv at $1: one lock for Python 3.11 to 3.13 and every system, with hashes,
# with nothing in it that says on which machine it was made, and with extras, which pip needs to find in it.
# What is locked already keeps its version; --upgrade after the uv takes the newest of everything.
set -eu

uv=$1
shift

cp requirements.lock requirements.lock.new
"$uv" pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-strip-extras \
    --generate-hashes --no-header --quiet --output-file requirements.lock.new "$@" > /dev/null
{
    echo "# Every dependency, pinned and hashed, for Python 3.11 to 3.13. Made by \`make lock\` from pyproject.toml."
    cat requirements.lock.new
} > requirements.lock.whole
rm requirements.lock.new
mv requirements.lock.whole requirements.lock
