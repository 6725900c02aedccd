"""The quarantine under an operator's hands: listed, shown, loaded again, discarded."""

import json
from hashlib import blake2b

import pytest

from dynaurora import portions
from dynaurora.errors import ProjectError
from dynaurora.metadata import Chosen
from dynaurora.model.claims import claim_to, packed
from dynaurora.model.events import ObjectName
from dynaurora.model.lines import decode_line, encode_line, pointer_to, unreadable_line
from dynaurora.operations import quarantine
from support.items import DECLARED, delete, put
from support.load import Crash, changed, stream_arn
from support.operations import done, parts_of
from support.sql import codes, raising

pytestmark = pytest.mark.each_engine

WIDER = DECLARED.replace("numeric(5,2)", "numeric")


def refuse(machine, *ids, seq=1):
    """Changes that no column can hold exactly."""
    return machine.load_lines("items", *[put(seq, item, v="new", n="1.005") for item in ids])


def widen(machine):
    """As WIDER has it."""
    number = {"postgresql": "alter column n type numeric", "mysql": "modify n decimal(65,27)"}
    machine.execute(f"alter table items {number[machine.server.engine]}")


def states(machine):
    return machine.rows("select state from dynaurora.quarantine order by number")


def values(machine):
    return machine.rows("select id, v from items order by id")


@pytest.fixture
def refused(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="old"))
    refuse(machine, "a", seq=2)
    return machine


def test_a_list_names_its_entries_by_a_number_that_stays(refused):
    refuse(refused, "a", seq=2)
    found = done(refused, "quarantine list")
    (entry,) = found["entries"]
    assert (found["total"], entry["number"], entry["attempts"]) == (1, 1, 2)
    assert (entry["table"], entry["reason"], entry["state"]) == ("items", "value", "open")


def test_a_list_holds_no_values_and_show_has_everything(refused):
    raising(refused, "P0001", word="secret")
    refused.load_lines("items", put(3, "b", v="secret"))
    told = json.dumps(done(refused, "quarantine list"))
    assert "secret" not in told
    assert "1.005" not in told
    shown = done(refused, "quarantine show", number=2)
    assert (shown["reason"], shown["message"]) == ("database", "it holds secret")
    assert shown["code"] in codes(refused, "P0001")
    assert json.loads(shown["line"])["new"]["v"] == {"S": "secret"}


def test_show_of_a_line_that_is_no_text_has_it_in_base64(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", unreadable_line(b"\xff\xfe"))
    assert done(machine, "quarantine show", number=1)["line_base64"] == "//4="


def test_show_of_a_line_that_no_answer_holds_has_its_beginning(refused, monkeypatch):
    monkeypatch.setattr(quarantine, "SHOWN_BYTES", 100)
    refused.load_lines("items", b"{" + "é".encode() * 200)
    shown = done(refused, "quarantine show", number=2)
    assert len(json.dumps(shown["line"])) <= 100
    assert shown["line"].startswith("{éé")
    assert shown["line_bytes"] == 401


def test_show_of_an_entry_that_is_none_is_an_error(refused):
    with pytest.raises(ProjectError, match="entry 7"):
        done(refused, "quarantine show", number=7)


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 3),
        ({"table": "items"}, 3),
        ({"table": "others"}, 0),
        ({"reason": "unreadable"}, 1),
        ({"reason": "value"}, 2),
        ({"older_s": 3600}, 1),
        ({"newer_s": 3600}, 2),
        ({"numbers": [2, 3, 99]}, 2),
        ({"after": 2}, 1),
        ({"state": "superseded"}, 0),
    ],
)
def test_entries_are_chosen_by_table_reason_age_state_and_number(refused, chosen, count):
    refuse(refused, "b")
    refused.load_lines("items", b"{bad")
    refused.execute(
        "update dynaurora.quarantine set quarantined_at = "
        + {
            "postgresql": "now() - interval '2 hours'",
            "mysql": "now() - interval 2 hour",
        }[refused.server.engine]
        + " where number = 1"
    )
    assert done(refused, "quarantine list", **chosen)["total"] == count


def test_a_list_is_limited_and_says_how_many_there_are(refused):
    refuse(refused, *[f"k{n}" for n in range(9)])
    found = done(refused, "quarantine list", limit=3)
    assert (found["total"], len(found["entries"])) == (10, 3)


def test_a_retry_under_a_corrected_plugin_applies_the_change(refused):
    assert values(refused) == [("a", "old")]
    refused.plugin("items", WIDER)
    widen(refused)
    found = done(refused, "quarantine retry")
    assert found["tables"] == {"items": {"retried": 1, "superseded": 0, "refused": 0}}
    assert (found["entries"], found["errors"], found["after"]) == (1, {}, None)
    assert values(refused) == [("a", "new")]
    assert states(refused) == [("retried",)]


def test_a_retry_that_is_refused_again_stays_open_as_old_as_it_was(refused):
    before = refused.rows("select quarantined_at from dynaurora.quarantine")
    found = done(refused, "quarantine retry")
    assert found["tables"] == {"items": {"retried": 0, "superseded": 0, "refused": 1}}
    assert refused.rows("select state, attempts from dynaurora.quarantine") == [("open", 2)]
    assert refused.rows("select quarantined_at from dynaurora.quarantine") == before


def test_a_retry_never_puts_an_older_change_over_a_newer_one(refused):
    machine = refused
    machine.before = lambda _: None
    machine.load_lines("items", put(3, "a", v="newest"))
    assert states(machine) == [("superseded",)]
    machine.execute("update dynaurora.quarantine set state = 'open'")  # as a race would leave it
    machine.plugin("items", WIDER)
    widen(machine)
    found = done(machine, "quarantine retry")
    assert found["tables"]["items"]["superseded"] == 1
    assert values(machine) == [("a", "newest")]
    assert states(machine) == [("superseded",)]


def test_a_newer_change_that_commits_while_a_retry_is_staged_stays(refused):
    refused.plugin("items", WIDER)
    widen(refused)

    def load_meanwhile(step):
        if step.startswith("copy staged"):
            refused.before = lambda _: None
            with refused.twin() as other:
                other.load_lines("items", put(3, "a", v="newest"))

    refused.before = load_meanwhile
    found = done(refused, "quarantine retry")
    assert found["tables"]["items"]["superseded"] == 1
    assert values(refused) == [("a", "newest")]
    assert states(refused) == [("superseded",)]


def test_a_crash_in_a_retry_leaves_its_entries_open(refused):
    refused.plugin("items", WIDER)
    widen(refused)

    def crash(step):
        if step == "commit":
            raise Crash

    refused.before = crash
    with pytest.raises(Crash):
        done(refused, "quarantine retry")
    refused.before = lambda _: None
    assert (values(refused), states(refused)) == ([("a", "old")], [("open",)])
    assert done(refused, "quarantine retry")["tables"]["items"]["retried"] == 1


def test_a_retried_put_does_not_bring_a_deleted_item_back(refused):
    refused.load_lines("items", delete(3, "a"))
    refused.execute("update dynaurora.quarantine set state = 'open'")
    done(refused, "quarantine retry")
    assert values(refused) == []


def large(text):
    """A change whose body lies in the backup bucket: its pointer, the body's object and content."""
    found = decode_line(text)
    claim = claim_to("items", found["seq"], found["at"], text)
    body = ObjectName("backup", claim["object"])
    return encode_line(pointer_to(found, claim)), body, packed(text)


def test_a_change_without_its_body_is_applied_when_the_body_is_there_again(refused):
    pointer, body, content = large(put(3, "b", v="large"))
    refused.load_lines("items", pointer)
    (entry,) = done(refused, "quarantine list", reason="body")["entries"]
    assert done(refused, "quarantine retry", reason="body")["tables"]["items"]["refused"] == 1
    refused.store.put(body, content)
    found = done(refused, "quarantine retry", numbers=[entry["number"]])
    assert found["tables"]["items"]["retried"] == 1
    assert ("b", "large") in values(refused)


def test_changes_with_more_bodies_than_one_load_takes_are_retried_in_several(refused, monkeypatch):
    monkeypatch.setattr(portions, "BODY_BYTES", 1)
    for number in range(3):
        pointer, body, content = large(put(3, f"k{number}", v="large"))
        refused.load_lines("items", pointer)
        refused.store.put(body, content)
    found = done(refused, "quarantine retry")
    assert found["tables"]["items"] == {"retried": 3, "superseded": 0, "refused": 1}


def keep_as_unreadable(machine, text):
    """A line that a version before could not read."""
    key = blake2b(text, digest_size=16).hexdigest()
    binary = {"postgresql": r"'\x{}'", "mysql": "x'{}'"}[machine.server.engine]
    key = f"'{key}'" if machine.server.engine == "postgresql" else binary.format(key)
    machine.execute(
        "insert into dynaurora.quarantine (table_number, k, version, reason, message, bucket, "
        f"object, line) values (1, {key}, 0, 'unreadable', '', 'raw', 'o', "
        f"{binary.format(text.hex())})"
    )


def test_a_line_that_can_be_read_now_is_loaded_and_its_entry_is_settled(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "a", v="1"))
    keep_as_unreadable(machine, put(2, "a", v="2"))
    keep_as_unreadable(machine, put(2, "b", v="2"))
    found = done(machine, "quarantine retry")
    assert found["tables"] == {"items": {"retried": 2, "superseded": 0, "refused": 0}}
    assert values(machine) == [("a", "2"), ("b", "2")]
    assert states(machine) == [("retried",)] * 2


def test_a_readable_line_that_a_newer_change_has_followed_is_superseded(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(2, "a", v="2"))
    keep_as_unreadable(machine, put(1, "a", v="1"))
    found = done(machine, "quarantine retry")
    assert found["tables"]["items"]["superseded"] == 1
    assert states(machine) == [("superseded",)]
    assert values(machine) == [("a", "2")]


def test_a_readable_line_that_is_refused_gets_an_entry_of_its_own(machine):
    machine.plugin("items", DECLARED)
    machine.load_lines("items", put(1, "b", v="1"))
    keep_as_unreadable(machine, put(1, "a", v="1", n="1.005"))
    found = done(machine, "quarantine retry")
    assert found["tables"]["items"] == {"retried": 0, "superseded": 0, "refused": 1}
    assert machine.rows("select reason, state from dynaurora.quarantine order by number") == [
        ("unreadable", "retried"),
        ("value", "open"),
    ]


def test_a_line_that_is_still_unreadable_stays_open(machine):
    machine.plugin("items", DECLARED)
    lines = [b"{bad", changed(put(1, "a"), seq="no"), b"\x1f\x8b damaged", unreadable_line(b"\xff")]
    machine.load_lines("items", *lines)
    found = done(machine, "quarantine retry")
    assert found["tables"]["items"] == {"retried": 0, "superseded": 0, "refused": 4}
    assert machine.rows("select state, attempts from dynaurora.quarantine") == [("open", 2)] * 4


def test_a_retry_of_more_than_one_portion_parks_nobody_although_all_are_refused(refused):
    for number in range(3):
        refuse(refused, *[f"k{number}-{n}" for n in range(90)], seq=5)
    found = done(refused, "quarantine retry")
    assert found["entries"] == 271
    assert found["tables"]["items"]["refused"] == 271
    assert refused.state("items") == ("", "")


def test_a_retry_whose_time_is_over_says_where_to_go_on(refused, monkeypatch):
    monkeypatch.setattr(quarantine, "PORTION", 2)
    refuse(refused, *"bcde")
    refused.clock.left_ms = 0
    first = done(refused, "quarantine retry")
    assert (first["entries"], first["after"]) == (2, 2)
    refused.clock.left_ms = 600_000
    assert done(refused, "quarantine retry", after=2)["entries"] == 3


def test_a_retry_takes_no_more_lines_at_once_than_fit_a_load(refused, monkeypatch):
    monkeypatch.setattr(quarantine, "LOAD_BYTES", 1)
    refuse(refused, *"bcd")
    with parts_of(refused) as parts:
        assert [portion.entries for portion in quarantine.retry_portions(parts)] == [1] * 4


def test_a_table_that_is_parked_is_told_and_the_others_are_retried(refused):
    refused.plugin("others", DECLARED.replace("items", "others"))
    line = changed(put(1, "a", n="1.005"), table="others", stream=stream_arn("others"))
    refused.load_lines("others", line)
    refused.drop("items")
    found = done(refused, "quarantine retry")
    assert found["errors"]["items"]["kind"] == "ProjectError"
    assert "dropped" in found["errors"]["items"]["found"]
    assert found["tables"]["others"]["refused"] == 1


def test_a_retry_is_chosen_as_a_list_is(refused):
    refuse(refused, "b", "c")
    with parts_of(refused) as parts:
        (portion,) = quarantine.retry_portions(parts, Chosen(numbers=[2]))
    assert (portion.entries, portion.last) == (1, 2)


def test_a_retry_notes_no_object(refused):
    before = refused.rows("select count(*) from dynaurora.objects")
    done(refused, "quarantine retry")
    assert refused.rows("select count(*) from dynaurora.objects") == before


def test_what_is_discarded_stays_so_and_touches_neither_ledger_nor_rows(refused):
    ledger = refused.rows("select k, version, rev, gone, fix, at from dynaurora.ledger_1")
    assert done(refused, "quarantine discard", numbers=[1], why="a test item") == {"discarded": 1}
    assert done(refused, "quarantine discard", numbers=[1]) == {"discarded": 0}
    refuse(refused, "a", seq=2)  # it is delivered again
    assert refused.rows("select state, why from dynaurora.quarantine") == [
        ("discarded", "a test item")
    ]
    assert refused.rows("select k, version, rev, gone, fix, at from dynaurora.ledger_1") == ledger
    assert values(refused) == [("a", "old")]
    refused.load_lines("items", put(3, "a", v="newer"))
    assert values(refused) == [("a", "newer")]


def test_a_discarded_entry_is_not_retried(refused):
    done(refused, "quarantine discard", numbers=[1])
    assert done(refused, "quarantine retry")["entries"] == 0
