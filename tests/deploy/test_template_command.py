"""`dynaurora template`: the templates with what they are given, and no AWS."""

import json

import pytest
from click.testing import CliRunner

from dynaurora.cli import group


@pytest.fixture
def template(project_folder, monkeypatch):
    """Call it where no AWS can be reached."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "DYNAURORA_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("DYNAURORA_PROJECT", "shop")
    monkeypatch.setenv("DYNAURORA_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1/db")
    (project_folder / "sqlqueries" / "orders.py").write_text("")

    def called(*arguments):
        outcome = CliRunner().invoke(
            group, ["template", *arguments, "--project-dir", str(project_folder)]
        )
        assert "hunter2" not in outcome.output
        return outcome

    return called


def test_every_stack_is_printed_in_order_with_what_it_is_given(template, project_folder):
    told = json.loads(template("--json").stdout)["stacks"]
    assert [stack["of"] for stack in told] == ["artifacts", "pipeline", "orders"]
    artifacts, pipeline, orders = told
    assert artifacts["parameters"]["ArtifactsBucket"] == "shop-artifacts-<account>-eu-west-1"
    assert pipeline["template"] == (project_folder / "infra" / "pipeline.yaml").read_text()
    assert pipeline["parameters"]["CodeBucket"] == "<ArtifactsBucket of shop-artifacts>"
    assert orders["parameters"]["StreamArn"] == "<stream of orders>"
    assert orders["parameters"]["CaptureArn"] == "<CaptureArn of shop-pipeline>"


def test_one_stack_is_printed_by_part_table_or_name(template):
    for name in ("pipeline", "shop-pipeline"):
        told = template(name)
        assert told.exit_code == 0, told.output
        assert told.stdout.startswith("---\n# Stack shop-pipeline, from ")
        assert '#   RawBucket: "shop-raw-<account>-eu-west-1"\n' in told.stdout
        assert "AWSTemplateFormatVersion" in told.stdout
    assert template("orders").stdout.startswith("---\n# Stack shop-table-orders-")


def test_an_unknown_name_is_told_with_what_it_may_mean(template):
    told = template("ordrs")
    assert told.exit_code == 1
    assert 'did you mean "orders"?' in told.stderr
