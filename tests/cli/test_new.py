"""`dynaurora new` on a real table of the emulator, as a person or a script meets it."""

import json
import os
import pty
import signal
import socket
import subprocess

import pytest

from dynaurora.adapters.dynamodb import describe_table
from dynaurora.adapters.items import items_client, sample, sample_units
from dynaurora.plugins.folder import load_plugin
from support.program import COMMAND

ITEMS = 300


@pytest.fixture(scope="module")
def orders(aws):
    """A table with items, and its name."""
    client = aws.client("dynamodb")
    name = "new.Orders"
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "customer", "KeyType": "HASH"},
            {"AttributeName": "number", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "number", "AttributeType": "N"},
            {"AttributeName": "customer", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for start in range(0, ITEMS, 25):
        puts = [{"PutRequest": {"Item": item(n)}} for n in range(start, start + 25)]
        client.batch_write_item(RequestItems={name: puts})
    return name


def item(number):
    return {
        "customer": {"S": f"customer-{number % 7}"},
        "number": {"N": str(number)},
        "placedAt": {"S": f"2024-05-01T12:00:{number % 60:02}Z"},
        "secret": {"S": f"secret of {number}"},
        "lines": {"L": [{"M": {"sku": {"S": "a"}, "price": {"N": "1.5"}}}]},
    }


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "sqlqueries"
    found.mkdir()
    return found


@pytest.fixture
def variables(aws):
    found = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DYNAURORA_"))}
    return {
        **found,
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": aws.access_key,
        "AWS_SECRET_ACCESS_KEY": aws.secret_key,
        "AWS_REGION": aws.region,
    }


@pytest.fixture
def new(variables, folder):
    """`dynaurora new …` on the emulator, in an empty folder."""

    def run(*arguments, stdin=subprocess.DEVNULL, **environment):
        return subprocess.run(
            [*COMMAND, "new", *arguments],
            capture_output=True,
            check=False,
            cwd=folder.parent,
            env=variables | environment,
            stdin=stdin,
            text=True,
            timeout=60,
        )

    return run


def test_it_writes_one_file_that_is_a_plugin(new, orders, folder):
    found = new(orders)
    assert found.returncode == 0, found.stderr
    assert f"about {ITEMS} items; reading all of them takes about" in found.stderr
    assert f"dynaurora check {orders}" in found.stdout
    (path,) = folder.iterdir()
    plugin = load_plugin(path, orders, "postgresql")
    assert plugin.key == ("customer", "number")
    assert list(plugin.columns) == ["customer", "number", "placed_at", "secret"]
    assert list(plugin.rows) == ["lines"]
    assert "secret of" not in path.read_text()


def test_a_file_that_is_there_is_not_written_over(new, orders, folder):
    path = folder / "area" / f"sql_queries_{orders}.py"
    path.parent.mkdir()
    path.write_text("mine")
    found = new(orders)
    assert found.returncode == 1
    assert "--force" in found.stderr
    assert "read units" not in found.stderr  # it is told before anything is read
    assert path.read_text() == "mine"
    assert new(orders, "--force").returncode == 0
    assert "Table(" in path.read_text()
    assert [each.name for each in folder.iterdir()] == ["area"]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_stdout_prints_what_would_be_written(new, orders, folder):
    printed = new(orders, "--stdout")
    assert list(folder.iterdir()) == []
    new(orders)
    assert printed.stdout == (folder / f"{orders}.py").read_text()


def test_json_tells_the_evidence(new, orders, folder):
    found = json.loads(new(orders, "--json", "--items", "50").stdout)
    assert found["file"] == str(folder / f"{orders}.py")
    assert (found["items_read"], found["is_whole"], found["refused"]) == (50, False, {})
    assert found["text"] == (folder / f"{orders}.py").read_text()
    columns = {each["name"]: each for each in found["tables"][0]["columns"]}
    assert columns["placed_at"]["type"] == "timestamptz"
    assert columns["placed_at"]["evidence"] == "100 %"
    assert columns["lines"]["path"] == "lines[]"


def test_what_a_table_is_provisioned_for_is_told(new, aws):
    aws.client("dynamodb").create_table(
        TableName="provisioned",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
    )
    found = new("provisioned", "--stdout")
    assert "the table is provisioned for 5 a second" in found.stderr
    assert '"id": "text",' in found.stdout


def test_an_error_for_programs_is_json(new, folder):
    found = new("not-there", "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["error"]["where"] == "table not-there"
    assert list(folder.iterdir()) == []


def test_a_name_that_no_table_can_have_is_told(new):
    assert "is no name of a DynamoDB table" in new("a/b").stderr


def test_the_project_says_where_plugins_are_and_an_environment_may_say_otherwise(
    new, orders, folder
):
    toml = 'sqlqueries = "plugins"\n[env.other]\nsqlqueries = "others"\n'
    (folder.parent / "dynaurora.toml").write_text(toml)
    for name in ("plugins", "others"):
        (folder.parent / name).mkdir()
    below = folder.parent / "plugins"
    assert new(orders, "--project-dir", str(below)).returncode == 0
    assert new(orders, "--env", "other").returncode == 0
    found = sorted(path.parent.name for path in folder.parent.rglob("*.py"))
    assert found == ["others", "plugins"]


def test_the_database_of_the_project_says_whose_rows_are_to_hold_the_items(new, aws):
    client = aws.client("dynamodb")
    client.create_table(
        TableName="small",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName="small", Item={"id": {"S": "a"}, "n": {"N": "1E-100"}})
    mysql = {"DYNAURORA_DATABASE_URL": "mysql://a@127.0.0.1/a"}
    assert '"n": "json",' in new("small", "--stdout", **mysql).stdout
    assert '"n": "numeric",' in new("small", "--stdout", "--engine", "postgresql", **mysql).stdout


def test_local_without_a_running_pipeline_says_how_to_start_one(new, folder):
    (folder.parent / "dynaurora.toml").write_text('project = "here"\n')
    found = new("orders", "--local")
    assert found.returncode == 1
    assert "dynaurora dev" in found.stderr


def test_nobody_who_answers_is_told_within_seconds(new):
    found = new("orders", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert found.returncode == 1
    assert "AWS_ENDPOINT_URL" in found.stderr


@pytest.mark.parametrize(("answer", "is_written"), [("y", True), ("n", False)])
def test_on_a_terminal_it_asks_before_it_reads(new, orders, folder, aws, answer, is_written):
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    # As 127.1 this machine is not known for one that costs nothing.
    url = aws.endpoint_url.replace("127.0.0.1", "127.1")
    found = new(orders, stdin=theirs, AWS_ENDPOINT_URL=url)
    os.close(ours)
    os.close(theirs)
    assert "Read them?" in found.stderr
    assert (found.returncode == 0) == is_written, found.stderr
    assert [each.name for each in folder.iterdir()] == [f"{orders}.py"] * is_written


def test_ctrl_c_leaves_nothing(variables, folder):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [*COMMAND, "new", "orders"],
            cwd=folder.parent,
            env=variables | {"AWS_ENDPOINT_URL": url},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        silent.settimeout(60)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        connection.close()
    assert (process.returncode, told) == (130, "Interrupted; nothing is written.\n")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("segments", [1, 3, 8])
@pytest.mark.parametrize("items", [1, 7, 100, ITEMS, 10_000])
def test_a_sample_has_as_many_items_as_there_are_or_are_wanted(aws, orders, items, segments):
    client = items_client(aws.session(), aws.endpoint_url)
    pages = list(sample(client, orders, items, segments=segments))
    numbers = [image["number"]["N"] for page in pages for image in page]
    assert len(set(numbers)) == len(numbers) == min(items, ITEMS)


def test_a_description_has_the_key_partition_key_first(aws, orders):
    found = describe_table(aws.client("dynamodb"), orders)
    assert list(found.key.items()) == [("customer", "S"), ("number", "N")]
    assert found.items == ITEMS


@pytest.mark.parametrize(
    ("items", "table_items", "table_bytes", "units"),
    [
        (10_000, 100, 81_920, 10),  # all of it: 8 KB a unit
        (10_000, 1_000_000, 1_000_000 * 1_024, 1_250),
        (10_000, 1_000_000, 1_000_000 * 400_000, 8_192),  # at most 64 MB
        (10_000, 0, 0, 8_192),  # not counted yet
    ],
)
def test_the_cost_is_that_of_an_eventually_consistent_scan(items, table_items, table_bytes, units):
    assert sample_units(items, table_items, table_bytes) == units
