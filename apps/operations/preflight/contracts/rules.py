"""The breaking changes, by name; docs/preflight.md explains each to whoever meets it."""

from dataclasses import dataclass

REMOVED_CONTRACT = "removed-contract"
REMOVED_PATH = "removed-path"
REMOVED_METHOD = "removed-method"
REMOVED_STATUS = "removed-status"
ADDED_SUCCESS = "added-success"
REMOVED_CONTENT = "removed-content"
CHANGED_AUTH = "changed-auth"
REMOVED_INPUT = "removed-input"
REQUIRED_INPUT = "required-input"
NARROWED_INPUT = "narrowed-input"
REMOVED_CHOICE = "removed-choice"
TIGHTER_BOUND = "tighter-bound"
CHANGED_DEFAULT = "changed-default"
REMOVED_FIELD = "removed-field"
OPTIONAL_FIELD = "optional-field"
WIDENED_OUTPUT = "widened-output"
REMOVED_VALUE = "removed-value"
FROZEN = "frozen-contract"

RULES = {
    REMOVED_CONTRACT: "A contract of the last release is gone.",
    REMOVED_PATH: "A path is gone.",
    REMOVED_METHOD: "A method of a path is gone.",
    REMOVED_STATUS: "A status an endpoint answered with is no longer documented.",
    ADDED_SUCCESS: "An endpoint succeeds with another status.",
    REMOVED_CONTENT: "A content type is no longer taken or given.",
    CHANGED_AUTH: "An endpoint asks for other credentials, or for none any more.",
    REMOVED_INPUT: "A parameter or field that could be sent is gone.",
    REQUIRED_INPUT: "A parameter, field or body must now be sent.",
    NARROWED_INPUT: "An input takes fewer types or formats, or null no more.",
    REMOVED_CHOICE: "A value that could be chosen is refused.",
    TIGHTER_BOUND: "New validation: a length, bound or pattern refuses what was accepted.",
    CHANGED_DEFAULT: "What is assumed when nothing is sent is different.",
    REMOVED_FIELD: "A field of an answer is gone.",
    OPTIONAL_FIELD: "A field of an answer may now be missing.",
    WIDENED_OUTPUT: "A field of an answer has another type or format, or may now be null.",
    REMOVED_VALUE: "A value an answer could hold is gone.",
    FROZEN: "A frozen contract changed, and nothing of it may.",
}


@dataclass(frozen=True)
class Break:
    """One promise broken: which rule, where, and what it was and is."""

    rule: str
    where: str
    detail: str = ""

    @property
    def text(self) -> str:
        return f"{self.rule}: {self.where}{f' ({self.detail})' if self.detail else ''}"
