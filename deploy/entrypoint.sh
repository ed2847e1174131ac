#!/bin/sh
# What a container of Hanout runs, by its first word:
#   web [option…]     migrations if RUN_MIGRATIONS=1, then the web server on PORT
#   worker [option…]  background jobs through Celery, such as: worker --concurrency=4; like the next two, it waits until
#                     no migration of its release waits any more
#   beat              the schedule's clock; one is enough, more do no harm
#   jobs              background jobs and schedule without a broker's help
#   migrate           waiting migrations, then end
#   anything else     is run as it is: python manage.py preflight
# PRODUCTION=1 is ENVIRONMENT=production (S2). COLLECT_STATIC=0 where the image brings its static files.
set -eu
cd "$(dirname "$0")/.."

case "$(printf %s "${PRODUCTION:-}" | tr '[:upper:]' '[:lower:]')" in
    1 | true | yes | on)
        case "${ENVIRONMENT:-production}" in
            production) export ENVIRONMENT=production ;;
            *)
                echo "PRODUCTION=$PRODUCTION and ENVIRONMENT=$ENVIRONMENT contradict each other: unset one of them." >&2
                exit 2
                ;;
        esac
        ;;
esac

migrations_wanted() {
    case "$(printf %s "${RUN_MIGRATIONS:-}" | tr '[:upper:]' '[:lower:]')" in
        1 | true | yes | on) return 0 ;;
        *) return 1 ;;
    esac
}

# A new worker on the schema of before would only fail its jobs. The first look is shown, for it may be a setting.
wait_for_schema() {
    python manage.py migrate_safely --check && return 0
    tries=0
    until python manage.py migrate_safely --check >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -ge 120 ]; then
            echo "Migrations still wait after ten minutes: run deploy/entrypoint.sh migrate." >&2
            exit 1
        fi
        sleep 3
    done
}

role="${1:-web}"
[ $# -eq 0 ] || shift
# exec: signals reach the process itself, which ends as docs/runbook.md says.
case "$role" in
    web)
        if migrations_wanted; then
            python manage.py migrate_safely
        fi
        exec python manage.py serve "$@"
        ;;
    worker)
        wait_for_schema
        exec celery -A config worker --loglevel info "$@"
        ;;
    beat)
        wait_for_schema
        exec celery -A config beat --loglevel info --scheduler django_celery_beat.schedulers:DatabaseScheduler "$@"
        ;;
    jobs)
        wait_for_schema
        exec python manage.py run_jobs "$@"
        ;;
    migrate) exec python manage.py migrate_safely "$@" ;;
    *) exec "$role" "$@" ;;
esac
