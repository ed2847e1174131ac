import os

import pytest

from apps.campaigns.services import tables


def reasons(delivery, file):
    return [refusal.reason for refusal in delivery.read().refused if refusal.file == file]


def test_the_demo_reads_without_a_refusal(demo):
    assert demo.read().refused == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text + b"\n\n",
        lambda text: text.replace("vehículos".encode(), b"vehiculos"),
        lambda text: text.replace("í".encode(), "i\u0301".encode()),
        lambda text: b"".join(b",".join(reversed(line.split(b","))) + b"\n" for line in text.splitlines()),
    ],
    ids=["bom", "crlf", "no final newline", "blank lines", "no accent", "decomposed accent", "other column order"],
)
def test_harmless_differences_between_editors_change_nothing(demo, change):
    before = demo.read()
    demo.rewrite(demo.periods, change)
    assert [item.periods for item in demo.read().campaigns] == [item.periods for item in before.campaigns]


def test_every_missing_file_is_named(demo):
    for file in (demo.campaigns, demo.sites):
        (demo.folder / file).unlink()
    assert demo.refusals() == {(demo.campaigns, None, None, None), (demo.sites, None, None, None)}


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(demo, content):
    demo.rewrite(demo.periods, lambda _: content)
    assert reasons(demo, demo.periods) == ["The file is empty."]


def test_a_file_with_nothing_but_a_header_is_refused(demo):
    demo.rewrite(demo.sites, lambda text: text.splitlines()[0])
    assert reasons(demo, demo.sites) == ["The file has no rows."]


def test_another_encoding_is_refused_with_its_line(demo):
    demo.rewrite(demo.sites, lambda text: text.decode().encode("latin-1"))
    (refusal,) = demo.read().refused
    assert (refusal.row, refusal.reason) == (2, "The file is not UTF-8: byte 0xed here.")


def test_missing_unknown_and_repeated_columns_are_all_named(demo):
    header, *rows = demo.rows(demo.campaigns)
    header[header.index("alcance")] = "reach"
    header[header.index("hombres")] = "mujeres"
    demo.write(demo.campaigns, [header, *rows])
    assert demo.refusals() == {
        (demo.campaigns, 1, "alcance", None),
        (demo.campaigns, 1, "hombres", None),
        (demo.campaigns, 1, "reach", "reach"),
        (demo.campaigns, 1, "mujeres", "mujeres"),
    }


def test_ragged_rows_are_refused_by_line(demo):
    demo.append(demo.periods, ["verano_centro", "mensual"])
    demo.append(demo.periods, ["verano_centro", "mensual", "2025-06", "1", "2", "3"])
    lines = len(demo.rows(demo.periods))
    found = demo.read().refused
    assert [item.row for item in found] == [lines - 1, lines]
    assert "6 cells where the header has 5" in found[1].reason


@pytest.mark.parametrize("character", ["\x00", "\n", "\t", "\x7f"])
def test_a_control_character_is_refused_and_spelled_out(demo, character):
    demo.set(demo.sites, 4, "municipio", f"Villa{character}Alta")
    shown = f"Villa\\x{ord(character):02x}Alta"
    assert demo.refusals() == {(demo.sites, 4, "municipio", shown)}


def test_a_row_is_counted_as_an_editor_counts_lines(demo):
    demo.set(demo.periods, 3, "period", "2025-\n17")
    demo.set(demo.periods, 5, "period", "\t")
    assert demo.refusals() == {(demo.periods, 3, "period", "2025-\\x0a17"), (demo.periods, 6, "period", "\\x09")}


def test_an_unfinished_quote_is_refused_where_it_starts(demo):
    demo.rewrite(demo.periods, lambda text: text.replace(b"verano_centro", b'"verano_centro', 1))
    (refusal,) = demo.read().refused
    assert refusal.row == demo.find(demo.periods, name="metro_otono")[0] + 1
    assert refusal.reason.startswith("This line is not CSV")


def test_a_file_beyond_its_bounds_is_refused(demo, monkeypatch):
    monkeypatch.setattr(tables, "MAX_ROWS", 10)
    monkeypatch.setattr(tables, "MAX_BYTES", 4096)
    assert reasons(demo, demo.periods) == ["The file has more than 10 rows."]
    assert reasons(demo, demo.sites) == ["The file is larger than 0 MB."]


def test_what_is_not_a_regular_file_is_refused_without_waiting(demo):
    (demo.folder / demo.periods).unlink()
    os.mkfifo(demo.folder / demo.periods)
    (demo.folder / demo.sites).unlink()
    (demo.folder / demo.sites).mkdir()
    assert reasons(demo, demo.periods) == reasons(demo, demo.sites) == ["This is not a regular file."]


def test_a_very_long_cell_is_refused_and_shown_shortened(demo):
    demo.set(demo.sites, 2, "municipio", "x" * 5000)
    ((_, _, _, value),) = demo.refusals()
    assert len(value) == 201
    assert value.endswith("…")
