#!/usr/bin/env bash
# Makes the virtual environment .venv/NAME from requirements/NAME.txt, unless it is current.
# Usage: requirements/set-up.sh NAME [EXTRA]    EXTRA.txt is installed into the same environment.
# A stamp holds the hash of the pins, of this script and of Python's version: it decides what is current.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
python=${PYTHON:-python3}

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "$python is missing. On Debian: sudo apt-get install python3"
version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
case $version in
3.11.*) ;;
*) fail "Python 3.11 is needed, and $python is $version. Say where it is: make PYTHON=/path/to/python3.11 …" ;;
esac
missing=
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=" python3-venv"
command -v cc >/dev/null || missing+=" build-essential"
[ -z "$missing" ] || fail "System packages are missing. On Debian: sudo apt-get install$missing"

stamp() { # of all pin files named
    { echo "$version"; cat requirements/set-up.sh "$@"; } | sha256sum | cut -c1-32
}

# install FOLDER PINS: torch first and plainly, since a machine may be set up to take a build of its own choice
# (a CPU build, say); then all else exactly as pinned, without asking what depends on what.
install() {
    local pip=("$1/bin/python" -m pip --disable-pip-version-check) torch
    torch=$(grep -E '^torch==' "$2" || true)
    [ -z "$torch" ] || "${pip[@]}" install -qq --no-compile "$torch"
    grep -vE '^torch==' "$2" | "${pip[@]}" install -qq --no-compile --no-deps -r /dev/stdin
}

mkdir -p .venv
exec 9>.venv/.lock
flock 9 # two at once would break each other's environment

folder=.venv/$name
pins=requirements/$name.txt
if [ "$(cat "$folder/.set-up-$name" 2>/dev/null)" != "$(stamp "$pins")" ]; then
    echo "Setting up $folder from $pins (a few minutes, once)" >&2
    rm -rf "$folder"
    "$python" -m venv "$folder"
    install "$folder" "$pins"
    if [ "$name" = train ] && ! "$folder/bin/python" -c 'import torchaudio' 2>/dev/null; then
        site=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        echo '"""Empty: LLaMA-Factory imports torchaudio, which has no CPU build here, and uses it for sound only."""' \
            >"$site/torchaudio.py"
    fi
    stamp "$pins" >"$folder/.set-up-$name"
fi
# The command `megascience`, as a link to this checkout: an edit of the library needs no set-up.
if [ "$name" = main ]; then
    package=$(printf '%s %s\n' "$PWD" "$(stamp "$pins" pyproject.toml)")
    if [ "$(cat "$folder/.set-up-package" 2>/dev/null)" != "$package" ]; then
        "$folder/bin/python" -m pip --disable-pip-version-check install -qq --no-deps --no-build-isolation -e .
        echo "$package" >"$folder/.set-up-package"
    fi
fi
if [ $# -gt 1 ]; then
    extra=requirements/$2.txt
    if [ "$(cat "$folder/.set-up-$2" 2>/dev/null)" != "$(stamp "$pins" "$extra")" ]; then
        echo "Adding $extra to $folder" >&2
        install "$folder" "$extra"
        stamp "$pins" "$extra" >"$folder/.set-up-$2"
    fi
fi
