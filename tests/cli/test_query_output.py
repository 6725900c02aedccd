"""What `dynaurora query` shows: a table where it fits, else a block per row; nothing is cut."""

from decimal import Decimal

from rich.console import Console

from dynaurora.cli.output import result_console
from dynaurora.cli.query import as_shown


def shown(columns, *rows, width=40):
    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(as_shown(console, "first orders", columns, rows))
    return captured.get()


def test_what_fits_is_a_table():
    assert ["order_id", "total"] in [
        line.split() for line in shown(("order_id", "total"), ("o-1", 2)).splitlines()
    ]


def test_a_row_that_is_too_wide_is_a_block_with_a_line_per_value():
    columns = ("order_id", "customer_id", "placed_at", "total")
    lines = shown(columns, ("o-1", "c-1", None, Decimal("1.50"))).splitlines()
    assert [line.rstrip() for line in lines] == [
        "first orders",
        "",
        "order_id     o-1",
        "customer_id  c-1",
        "placed_at    -",
        "total        1.50",
        "",
    ]


def test_a_value_that_is_wider_than_all_is_folded_and_not_cut():
    digits = "1234567890" * 9
    text = shown(("order_id", "note"), ("o-1", digits))
    assert digits in "".join(text.split())
    assert "…" not in text


def test_brackets_in_values_and_names_are_no_styles():
    wide = "x" * 50
    text = shown(("[bold]", "b"), ("[red]", wide))
    assert "[bold]" in text
    assert "[red]" in text


def test_no_color_leaves_nothing_bold(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in on_a_terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in on_a_terminal()


def on_a_terminal():
    console = result_console()
    with console.capture() as captured:
        console.print(as_shown(console, "first orders", ("order_id",), [("o-1",)]))
    return captured.get()
