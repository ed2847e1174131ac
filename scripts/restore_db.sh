#!/usr/bin/env bash
# S4's path of `manage.py restore`: into a new database, verified; with --swap it becomes the live one. S4's own
# pg_restore --clean dropped the live database's tables before it knew whether the file was whole.
#   scripts/restore_db.sh NAME|latest [--into DATABASE] [--swap [--yes]] [--allow-major-change]
# Exit codes: 0 done; 2 wrong use; 3 refused or could not be run, nothing changed; 4 the backup is damaged or what was
# restored is not what was backed up; 5 restored and verified, but not swapped.
root="$(dirname "$(dirname "$(readlink -f "$0")")")"
python="$root/.venv/bin/python"
[ -x "$python" ] || python=python3

if [ $# -eq 0 ] || [[ "$1" == -* ]]; then
    echo "Usage: scripts/restore_db.sh NAME|latest [--into DATABASE] [--swap [--yes]]" >&2
    exit 2
fi
"$python" "$root/manage.py" restore "$@"
case $? in
    0) exit 0 ;;
    1) exit 4 ;;
    3) exit 5 ;;
    *) exit 3 ;;
esac
