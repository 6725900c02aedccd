"""The templates of infra/, read as CloudFormation reads them, and deployed to the emulator."""

from contextlib import contextmanager
from pathlib import Path

from cfnlint.decode import decode

from dynaurora.adapters.cloudformation import StackRequest, deploy_stack

INFRA = Path(__file__).parents[2] / "infra"

NETWORK = {
    "Project": "of-networks",
    "RawBucket": "of-networks-raw",
    "BackupBucket": "of-networks-backup",
    "S3PrefixList": "pl-1",
}
"""What a network is given at least."""


@contextmanager
def deployed(aws, part, name, given):
    """Deploy a stack on the emulator as often as wanted; it is deleted in the end."""
    source = (INFRA / f"{part}.yaml").read_text()
    client = aws.client("cloudformation")

    def deploy(**more):
        request = StackRequest(name, source, {**given, "Local": "true", **more})
        return deploy_stack(client, request, lambda _progress: None)

    try:
        yield deploy
    finally:
        client.delete_stack(StackName=name)


def template(name):
    found, problems = decode(str(INFRA / f"{name}.yaml"))
    assert not problems
    return found


def resource(source, name):
    return source["Resources"][name]["Properties"]


def of_type(source, kind):
    return {n: r for n, r in source["Resources"].items() if r["Type"] == kind}


NONE_OF_ITS_OWN = {"PolicyDocument": {"Statement": []}}


def statements(source, role):
    """The statements of a role by Sid; conditional ones count as there."""
    (policy,) = resource(source, role).get("Policies") or [NONE_OF_ITS_OWN]
    found = [s["Fn::If"][1] if "Fn::If" in s else s for s in policy["PolicyDocument"]["Statement"]]
    return {s["Sid"]: s for s in found}


def every_statement(source):
    """Each statement of each role, and of each policy beside it, with the name of what holds it."""
    for name, found in source["Resources"].items():
        if found["Type"] == "AWS::IAM::Role":
            policies = [p["PolicyDocument"] for p in found["Properties"].get("Policies", ())]
        elif found["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            policies = [found["Properties"]["PolicyDocument"]]
        else:
            continue
        for policy in policies:
            for statement in policy["Statement"]:
                yield name, statement["Fn::If"][1] if "Fn::If" in statement else statement


def shortened(arn):
    """An ARN of this account without what all of them begin with."""
    for part in ("arn:${AWS::Partition}:", "s3:::", "${AWS::Region}:", "${AWS::AccountId}:"):
        arn = arn.replace(part, "")
    return arn


def listed(value):
    return value if isinstance(value, list) else [value]


def allowed(source, role):
    return {
        (action, text(r))
        for s in statements(source, role).values()
        if s["Effect"] == "Allow"
        for action in listed(s["Action"])
        for r in listed(s["Resource"])
    }


def text(value):
    """A reference as a text, as it would be written in a Sub."""
    if isinstance(value, str):
        return value
    ((kind, inner),) = value.items()
    if kind == "Fn::Sub":
        return inner
    return "${" + (".".join(inner) if isinstance(inner, list) else inner) + "}"
