"""`migrate_safely` in a process where `parcels` is all there is; Django finds commands in installed apps only."""

import sys

import django

django.setup()

from apps.operations.management.commands.migrate_safely import Command

Command().run_from_argv(["manage.py", *sys.argv[1:]])
