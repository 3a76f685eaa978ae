#!/usr/bin/env bash
# Manifests made to hurt cost a moment and little memory.
set -euo pipefail

exec python3 tests/cli/hostile.py "${DEVENV:?the program to test}"
