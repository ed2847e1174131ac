"""What a migration must not do to a table that a released version reads and writes, and what to do instead."""

from dataclasses import dataclass

from django.db.migrations import Migration


@dataclass(frozen=True)
class Rule:
    """`name` is what a suppression names."""

    name: str
    sentence: str
    instead: str


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "add-column-default",
            "adds a NOT NULL column whose default only Django knows: the running release's INSERT fails for lack of it",
            "give the field db_default=…, or null=True",
        ),
        Rule(
            "rewrite-table",
            "writes the whole table anew while nobody may read it",
            "add the column empty (null=True), fill it with core.backfills.backfill",
        ),
        Rule(
            "drop-default",
            "takes away a database default that the running release's INSERT relies on",
            "keep db_default until the release after the one that stops relying on it",
        ),
        Rule(
            "drop-column",
            "drops a column that the running release names in every query",
            "this release: forget the field with SeparateDatabaseAndState(state_operations=[RemoveField]); "
            "the next one: drop it with RunSQL",
        ),
        Rule(
            "drop-table",
            "drops a table that the running release uses",
            "this release: forget the model with SeparateDatabaseAndState(state_operations=[DeleteModel]); "
            "the next one: drop it with RunSQL",
        ),
        Rule(
            "forget-column",
            "forgets a NOT NULL column without database default: this release's INSERT leaves it out and fails",
            "first AlterField to db_default=… or null=True, in a migration before this one",
        ),
        Rule(
            "rename-column",
            "renames a column that the running release names in every query",
            "keep it with db_column=…, or add a column, write both, backfill, drop the old one two releases later",
        ),
        Rule("rename-table", "renames a table that the running release uses", "keep it with Meta.db_table"),
        Rule(
            "alter-type",
            "changes a column's type: the table is written anew while nobody may read it",
            "add a column of the new type, write both, backfill, drop the old one two releases later",
        ),
        Rule(
            "set-not-null",
            "reads the whole table under the exclusive lock of SET NOT NULL",
            "AddConstraintNotValid CHECK (… IS NOT NULL), then ValidateConstraint in the next migration, then this",
        ),
        Rule(
            "add-index",
            "builds an index while nobody may write",
            "AddIndexConcurrently, alone in a migration with atomic = False",
        ),
        Rule(
            "drop-index",
            "drops an index under a lock that stops reads",
            "RemoveIndexConcurrently, alone in a migration with atomic = False",
        ),
        Rule(
            "add-unique",
            "builds a unique index while nobody may write",
            "RunSQL CREATE UNIQUE INDEX CONCURRENTLY, then add the constraint USING INDEX",
        ),
        Rule(
            "add-constraint",
            "checks every row under a lock that stops reads and writes",
            "AddConstraintNotValid, then ValidateConstraint in the next migration",
        ),
        Rule(
            "foreign-key",
            "checks every row of two tables under a lock that stops writes to both",
            "add the column bare, build its index concurrently, add the constraint NOT VALID, validate it in the next "
            "migration",
        ),
        Rule(
            "validate-apart",
            "validates a constraint in the transaction that added it, so the exclusive lock lasts as long as the check",
            "put the validation into a migration of its own",
        ),
        Rule(
            "concurrent-in-transaction",
            "asks for CONCURRENTLY inside a transaction, which PostgreSQL refuses",
            "set atomic = False on the migration",
        ),
        Rule(
            "lock-table", "locks or rewrites a whole table by hand", "leave it to a maintenance window, with a reason"
        ),
        Rule(
            "data-in-one-go",
            "changes rows of a live table in one statement and keeps them locked until its end",
            "core.backfills.backfill in a migration with atomic = False",
        ),
        Rule(
            "data-with-schema",
            "changes rows in the transaction that changes the schema, so its locks last as long as the rows take",
            "split it: schema first, rows in a second migration with atomic = False",
        ),
        Rule(
            "one-model",
            "changes a second live table in one transaction: two exclusive locks, taken in an order traffic may cross",
            "one migration per model",
        ),
        Rule(
            "one-step",
            "has several steps and no transaction: stopped half-way, it cannot be repeated",
            "one step per migration with atomic = False",
        ),
        Rule(
            "no-reverse",
            "cannot be taken back",
            "give reverse_code or reverse_sql; RunPython.noop or RunSQL.noop where the old code can live with the rows",
        ),
        Rule(
            "model-import",
            "uses today's model in a data migration, and today's model will not fit yesterday's table",
            "apps.get_model(app, model)",
        ),
        Rule(
            "suppression",
            "carries a suppression that does not count",
            "write `# safe: <rule>: <reason>` above the operation, with a rule of this list and a reason in words",
        ),
    )
}


@dataclass(frozen=True)
class Finding:
    """One rule broken in one place; `detail` says by what."""

    migration: Migration
    file: str
    line: int
    rule: str
    detail: str = ""

    @property
    def text(self) -> str:
        about = f" ({self.detail})" if self.detail else ""
        rule = RULES[self.rule]
        return f"{self.file}:{self.line} {self.rule}: {rule.sentence}{about}. Instead: {rule.instead}."

    def as_json(self) -> dict[str, str | int]:
        rule = RULES[self.rule]
        return {
            "file": self.file,
            "line": self.line,
            "migration": f"{self.migration.app_label}.{self.migration.name}",
            "rule": self.rule,
            "sentence": rule.sentence,
            "detail": self.detail,
            "instead": rule.instead,
        }


@dataclass(frozen=True)
class Accepted:
    """A finding somebody answered for."""

    finding: Finding
    reason: str

    @property
    def text(self) -> str:
        return f"{self.finding.file}:{self.finding.line} {self.finding.rule}, accepted: {self.reason}"

    def as_json(self) -> dict[str, str | int]:
        return {**self.finding.as_json(), "reason": self.reason}
