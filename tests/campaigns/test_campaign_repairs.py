"""Every known repair happens with proof, and stops happening when its proof is taken away."""

from decimal import Decimal

from apps.campaigns.vocabulary import Rule, Status


def outcome(delivery, name, part=1):
    (found,) = [item for item in delivery.read().campaigns if item.key == (name, part)]
    return found


def rules(item):
    return {repair.rule for repair in item.repairs}


def test_sound_numbers_are_published_as_received(demo):
    item = outcome(demo, "verano_centro")
    assert (item.status, item.repairs, item.findings) == (Status.AS_RECEIVED, (), ())
    assert [(p.label, p.persons, p.status) for p in item.periods] == [
        ("2025-06", 1_799_696, Status.AS_RECEIVED),
        ("2025-07", 1_589_952, Status.AS_RECEIVED),
    ]


def test_swapped_columns_are_put_right_because_the_totals_say_so(demo):
    item = outcome(demo, "playa_invierno")
    assert item.periods[0].persons == item.persons == 1_781_110
    assert [(r.column, r.before, r.after) for r in item.repairs] == [
        ("impactos_periodo_personas", "1072958", 1_781_110),
        ("impactos_periodo_vehículos", "1781110", 1_072_958),
    ]
    assert all("As received, the persons add up to the campaign's 1,072,958 vehicles" in r.proof for r in item.repairs)


def test_one_campaign_may_be_swapped_while_another_is_not(demo):
    read = {item.key[0]: rules(item) for item in demo.read().campaigns}
    assert read["verano_centro"] == set()
    assert read["playa_invierno"] == {Rule.SWAPPED_COLUMNS}


def test_day_counts_become_numbers_because_the_periods_add_up(demo):
    item = outcome(demo, "regreso_a_clases")
    dates = [repair for repair in item.repairs if repair.rule == Rule.SERIAL_DATE]
    assert [(repair.before, repair.after) for repair in dates] == [
        ("12928-05-11", 4_028_027),
        ("14773-11-28", 4_702_100),
    ]
    assert dates[0].proof == (
        "Day 4,028,027 from 1899-12-30: the 2 periods add up to exactly the campaign's 8,730,127 persons."
    )


def test_a_lost_point_goes_where_the_total_wants_it(demo):
    item = outcome(demo, "buen_fin_norte")
    assert [period.persons for period in item.periods] == [
        Decimal("5784236.422578154"),
        Decimal("5459749.360607845"),
        Decimal("5460066.745912484"),
    ]
    assert abs(sum(period.persons for period in item.periods) - item.persons) <= Decimal("0.6")


def test_a_tenfold_total_is_proven_by_frequency_times_reach(demo):
    tenfold = [r for r in outcome(demo, "buen_fin_norte").repairs if r.rule == Rule.TENFOLD_TOTAL]
    assert [(r.column, r.before, r.after) for r in tenfold] == [
        ("impactos_personas", "167040530", 16_704_053),
        ("impactos_vehiculos", "118468460", 11_846_846),
    ]
    assert "frecuencia_calculada × alcance is 16,704,053" in tenfold[0].proof


def test_a_repaired_cell_has_one_step_for_each_of_its_damages(demo):
    (row,) = demo.find(demo.periods, name="regreso_a_clases", period="2025-08")
    steps = [r for r in outcome(demo, "regreso_a_clases").repairs if r.row == row and r.column.endswith("vehículos")]
    assert [(r.rule, r.before, r.after) for r in steps] == [
        (Rule.SERIAL_DATE, "12928-05-11", 4_028_027),
        (Rule.SWAPPED_COLUMNS, "4028027", 2_154_025),
    ]


def test_a_name_given_twice_keeps_both_parts_whatever_the_order_of_their_rows(demo):
    expected = [outcome(demo, "feria_del_libro", part).periods for part in (1, 2)]
    header, *rows = demo.rows(demo.periods)
    demo.write(demo.periods, [header, *reversed(rows)])
    again = [outcome(demo, "feria_del_libro", part).periods for part in (1, 2)]
    assert [[(p.label, p.persons) for p in part] for part in again] == [
        [(p.label, p.persons) for p in part] for part in expected
    ]
    assert [sum(p.persons for p in part) for part in again] == [1_537_972, 3_150_779]


def test_vehicles_that_exceed_persons_are_kept_and_flagged(demo):
    item = outcome(demo, "metro_otono")
    assert (item.vehicles, item.status, item.periods[0].status) == (3_732_150, Status.FLAGGED, Status.FLAGGED)
    assert not item.are_vehicles_proven
    (flag,) = item.flags
    assert (flag.column, flag.row) == ("impactos_vehiculos", 7)
    assert "Inferred, not applied: 373,215" in flag.text
    assert "nothing proves a repair" in flag.text


def test_odd_but_harmless_things_are_noted(demo):
    notes = {(item.key[0], finding.code) for item in demo.read().campaigns for finding in item.findings}
    assert notes >= {
        ("buen_fin_norte", "shares_missing"),
        ("feria_del_libro", "site_rows_repeated"),
        ("playa_invierno", "site_months_missing"),
        ("metro_otono", "sites_outside_campaign"),
    }


def test_an_average_frequency_above_the_calculated_one_is_flagged(demo):
    demo.set(demo.campaigns, 2, "frecuencia_promedio", "1590")
    item = outcome(demo, "verano_centro")
    assert item.status == Status.FLAGGED
    assert item.flags[0].code == "average_frequency_too_high"
    assert {period.status for period in item.periods} == {Status.AS_RECEIVED}


def test_a_catorcena_of_an_unknown_year_is_taken_with_a_note(demo):
    demo.set(demo.campaigns, 7, "periods", "2031-20")
    demo.set(demo.campaigns, 7, "fecha_inicio", "2031-09-17")
    demo.set(demo.campaigns, 7, "fecha_fin", "2031-09-30")
    (row,) = demo.find(demo.periods, name="metro_otono")
    demo.set(demo.periods, row, "period", "2031-20")
    assert "calendar_unknown" in {finding.code for finding in outcome(demo, "metro_otono").findings}


def test_periods_alike_to_the_last_digit_are_noted(real):
    codes = {finding.code for finding in outcome(real, "campania_12").findings}
    assert "periods_identical" in codes


def two_equal_parts(demo, rows):
    """Both lines of feria_del_libro with the totals of the first, and these period rows."""
    first, second = demo.find(demo.campaigns, name="feria_del_libro")
    lines = demo.rows(demo.campaigns)
    lines[second - 1] = lines[first - 1]
    demo.write(demo.campaigns, lines)
    header, *others = demo.rows(demo.periods)
    kept = [row for row in others if row[0] != "feria_del_libro"]
    demo.write(demo.periods, [header, *kept, *(["feria_del_libro", "catorcenal", *row] for row in rows)])


def test_two_ways_to_divide_the_rows_of_a_name_are_no_proof(demo):
    two_equal_parts(
        demo,
        [
            ["2025-17", "816744", "398412"],
            ["2025-17", "816745", "398412"],
            ["2025-18", "721228", "351819"],
            ["2025-18", "721227", "351819"],
        ],
    )
    refused = demo.read().refused
    assert {(item.column, item.value) for item in refused} == {("period", "2025-17"), ("period", "2025-18")}
    assert len(refused) == 4
    assert "in no way, or in more than one" in refused[0].reason


def test_parts_that_are_alike_need_not_be_told_apart(demo):
    two_equal_parts(demo, [["2025-17", "816744", "398412"], ["2025-18", "721228", "351819"]] * 2)
    parts = [[period.persons for period in outcome(demo, "feria_del_libro", part).periods] for part in (1, 2)]
    assert parts == [[816_744, 721_228]] * 2
