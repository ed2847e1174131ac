"""Reading this file registers every check, in the order of the report."""

from apps.operations.preflight.checks import commit, contract, given, rehearsal, suite, target, web
from apps.operations.preflight.registry import registered_checks

__all__ = ["registered_checks"]
CHECKS = (commit, suite, contract, rehearsal, given, target, web)
