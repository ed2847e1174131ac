"""The demo that ships shows every kind of damage, with names and numbers of its own."""

from apps.campaigns.vocabulary import Rule


def test_the_demo_has_every_damage_the_importer_can_undo(demo):
    used = {repair.rule for item in demo.read().campaigns for repair in item.repairs}
    assert used == set(Rule)


def test_the_demo_has_sound_repaired_and_flagged_campaigns(demo):
    assert {item.status.value for item in demo.read().campaigns} == {"as_received", "repaired", "flagged"}


def test_the_demo_shares_no_name_and_no_number_with_the_real_files(demo, real):
    for file in (demo.campaigns, demo.periods):
        ours, theirs = demo.rows(file), real.rows(file)
        assert ours[0] == theirs[0]
        numbers = [{cell for row in rows[1:] for cell in row if len(cell) > 6} for rows in (ours, theirs)]
        assert {cell for cell in numbers[0] & numbers[1] if "-" not in cell} <= {"mensual", "catorcenal"}
    assert demo.rows(demo.sites)[0] == real.rows(real.sites)[0]
    assert not {row[0] for row in demo.rows(demo.sites)[1:]} & {row[0] for row in real.rows(real.sites)[1:]}
