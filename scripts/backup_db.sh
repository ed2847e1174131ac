#!/usr/bin/env bash
# S4's path of `manage.py backup`: a backup at BACKUP_TARGET (or BACKUP_DIR). With a FOLDER it also lays the dump in
# it there, unencrypted, as db-backup-<UTC>.dump, which pg_restore reads.
#   scripts/backup_db.sh [FOLDER]
# Exit codes: 0 done; 2 could not be run (database or target out of reach, no pg_dump, wrong use); 3 failed.
root="$(dirname "$(dirname "$(readlink -f "$0")")")"
python="$root/.venv/bin/python"
[ -x "$python" ] || python=python3

manage() {
    "$python" "$root/manage.py" "$@"
    case $? in
        0) ;;
        1) exit 3 ;;
        *) exit 2 ;;
    esac
}

if [ $# -gt 1 ] || [[ "${1:-}" == -* ]]; then
    echo "Usage: scripts/backup_db.sh [FOLDER]" >&2
    exit 2
fi
manage backup
if [ -n "${1:-}" ]; then
    manage backup extract latest "$(realpath -m "$1")/db-backup-$(date -u +%Y%m%dT%H%M%SZ).dump"
fi
