#!/usr/bin/env bash
# S4's path of `manage.py cleanup_refresh_tokens`; takes the same options.
exec "$(command -v python3)" "$(dirname "$(readlink -f "$0")")/cleanup_refresh_tokens.py" "$@"
