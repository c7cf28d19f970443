#!/usr/bin/env bash
# Brings what the local stack and the tests need, once: `local/setup.sh python azurite`.
# Says what it does in one line each, or what is missing in one sentence (exit 1). Where nothing is to be done it only
# compares the content of the requirements with what was installed last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON_VERSION=3.13
readonly UV_VERSION=0.13.9
readonly PRIVATE=.local # everything but .venv and node_modules: uv, stamps, data

# Another environment that happens to be active must not leak into this one.
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH CONDA_PREFIX UV_PYTHON UV_PROJECT_ENVIRONMENT

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# A program on PATH may be a shim with nothing behind it (pyenv's, where .python-version asks for a version that is not
# there), and a real one may stand behind the shim: try them all, by running them.
is_python() { "$1" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$PYTHON_VERSION" >/dev/null 2>&1; }

fingerprint() { cat "$@" | cksum; }
done_before() { [ -f "$PRIVATE/stamps/$1" ] && [ "$(cat "$PRIVATE/stamps/$1")" = "$2" ]; }
remember() { mkdir -p "$PRIVATE/stamps" && printf '%s' "$2" >"$PRIVATE/stamps/$1"; }

# One of: python3.13 on PATH, pyenv's by its place, nothing (then uv downloads one).
find_python() {
  local root candidate
  while read -r candidate; do
    if is_python "$candidate"; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done < <(type -ap "python$PYTHON_VERSION")
  for root in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv"; do
    for candidate in "$root"/versions/"$PYTHON_VERSION"*/bin/python; do
      if [ -x "$candidate" ] && is_python "$candidate"; then
        printf '%s\n' "$candidate"
        return
      fi
    done
  done
}

# Where the home cannot be written to (a service user), uv, pip and npm keep their things here.
private_caches() {
  local here="$PWD/$PRIVATE"
  if [ -n "${HOME:-}" ] && [ -w "${HOME:-}" ]; then return; fi
  export UV_CACHE_DIR="${UV_CACHE_DIR:-$here/uv-cache}" UV_PYTHON_INSTALL_DIR="${UV_PYTHON_INSTALL_DIR:-$here/python}"
  export PIP_CACHE_DIR="${PIP_CACHE_DIR:-$here/pip-cache}" npm_config_cache="${npm_config_cache:-$here/npm-cache}"
}

# Any Python 3 that runs: enough to install uv with.
any_python() {
  local candidate
  while read -r candidate; do
    if "$candidate" -c '' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done < <(type -ap python3)
}

# Sets uv to one that runs: on PATH, else from PyPI into a private folder with the Python given.
find_uv() {
  local python="$1"
  while read -r uv; do
    if "$uv" --version >/dev/null 2>&1; then return; fi
  done < <(type -ap uv || true; printf '%s\n' "$PWD/$PRIVATE/uv/bin/uv")
  uv="$PWD/$PRIVATE/uv/bin/uv"
  [ -n "$python" ] ||
    fail "Python $PYTHON_VERSION is missing, and there is no uv to bring it: install either (https://www.python.org, https://docs.astral.sh/uv)."
  say "Installing uv $UV_VERSION from PyPI into $PRIVATE/uv (once) ..."
  rm -rf "$PRIVATE/uv"
  if "$python" -m venv "$PRIVATE/uv" >/dev/null 2>&1; then
    "$PRIVATE/uv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" || fail_uv
  else # Debian's Python without python3-venv
    rm -rf "$PRIVATE/uv"
    "$python" -m pip install --quiet --disable-pip-version-check --target "$PRIVATE/uv" "uv==$UV_VERSION" || fail_uv
  fi
  "$uv" --version >/dev/null 2>&1 || fail_uv
}
fail_uv() { fail "uv could not be installed from PyPI with pip (see above): install it yourself (https://docs.astral.sh/uv)."; }

make_environment() {
  local python="$1" place="$2"
  if is_python "$place/bin/python"; then return; fi
  rm -rf "$place"
  if [ -n "$python" ]; then
    say "Making $place with $("$python" --version) ($python) ..."
    "$uv" venv --quiet --python "$python" "$place" || fail "the environment $place could not be made (see above)."
  else
    say "Making $place: no Python $PYTHON_VERSION that runs was found, so uv downloads one ..."
    UV_PYTHON_PREFERENCE=only-managed "$uv" venv --quiet --python "$PYTHON_VERSION" "$place" ||
      fail "Python $PYTHON_VERSION is missing and uv could not download it: install it (https://www.python.org)."
  fi
}

# uv does not read pip's settings; a machine that has an index of its own often has told only pip.
use_index_of_pip() {
  local index="${PIP_INDEX_URL:-}"
  if [ -n "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then return; fi
  [ -n "$index" ] || index=$("$1" -m pip config get global.index-url 2>/dev/null) || true
  if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
}

# An environment with the packages of some requirements files, the last of which brings the rest.
set_up_environment() {
  local part="$1" place="$2" wanted python bootstrap uv
  shift 2
  wanted="$PYTHON_VERSION $(fingerprint "$@")"
  if done_before "$part" "$wanted" && is_python "$place/bin/python"; then return; fi
  private_caches
  python=$(find_python)
  bootstrap=${python:-$(any_python)}
  find_uv "$bootstrap"
  make_environment "$python" "$place"
  say "Installing the packages of ${!#} into $place (once, about half a minute) ..."
  use_index_of_pip "$bootstrap"
  "$uv" pip install --quiet --python "$place/bin/python" -r "${!#}" || fail "the Python packages could not be installed (see above)."
  remember "$part" "$wanted"
}

set_up_python() { set_up_environment python .venv requirements.txt requirements-dev.txt; }

# What only one target needs has an environment of its own: what it brings along must not mix with what is tested.
set_up_mutation() {
  set_up_environment mutation "$PRIVATE/tools/mutation" requirements.txt requirements-dev.txt tests/mutation/requirements.txt
}
set_up_advisories() { set_up_environment advisories "$PRIVATE/tools/advisories" local/advisories/requirements.txt; }

set_up_azurite() {
  local wanted version
  wanted=$(fingerprint local/azurite/package.json local/azurite/package-lock.json)
  if done_before azurite "$wanted" && [ -f local/azurite/node_modules/azurite/dist/src/azurite.js ]; then return; fi
  private_caches
  have npm && npm --version >/dev/null 2>&1 ||
    fail "npm is missing, and Azurite (the local Azure Storage) comes from npm: install Node.js 22 or newer (https://nodejs.org)."
  version=$(sed -n 's/.*"azurite": "\(.*\)".*/\1/p' local/azurite/package.json)
  say "Installing Azurite $version and its Node.js with npm into local/azurite (once, about half a minute) ..."
  (cd local/azurite && npm ci --no-audit --no-fund --ignore-scripts --no-update-notifier --loglevel=error >/dev/null) || fail "npm could not install Azurite (see above)."
  remember azurite "$wanted"
}

# The pages of a package are looked at in a real browser; Debian's needs no download of a browser by a test library.
set_up_chromium() {
  if have chromium || have chromium-browser || have google-chrome || have google-chrome-stable; then return; fi
  if [ "$(id -u)" != 0 ] || ! have apt-get; then
    fail "Chromium is missing, and the pages of a package are tested in it: install it (as root: apt-get install chromium)."
  fi
  say "Installing Chromium with apt-get (once, about a minute) ..."
  install_package chromium || fail "Chromium could not be installed: apt-get install chromium."
}

install_package() {
  apt-get install -y --no-install-recommends "$1" >/dev/null 2>&1 ||
    { apt-get update >/dev/null 2>&1 && apt-get install -y --no-install-recommends "$1" >/dev/null 2>&1; }
}

main() {
  local part
  mkdir -p "$PRIVATE"
  # Several terminals may start pieces of the stack on a fresh clone at the same time.
  exec 9>"$PRIVATE/setup.lock"
  if have flock; then flock 9; fi
  for part in "$@"; do
    case "$part" in
      python) set_up_python ;;
      mutation) set_up_mutation ;;
      advisories) set_up_advisories ;;
      azurite) set_up_azurite ;;
      chromium) set_up_chromium ;;
      *) fail "unknown part '$part' (python, mutation, advisories, azurite, chromium)." ;;
    esac
  done
}

main "$@"
