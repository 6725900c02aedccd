"""The templates of infra/, read as CloudFormation reads them."""

from pathlib import Path

from cfnlint.decode import decode

INFRA = Path(__file__).parents[2] / "infra"


def template(name):
    found, problems = decode(str(INFRA / f"{name}.yaml"))
    assert not problems
    return found


def resource(source, name):
    return source["Resources"][name]["Properties"]


def of_type(source, kind):
    return {n: r for n, r in source["Resources"].items() if r["Type"] == kind}


def statements(source, role):
    """The statements of a role by Sid; conditional ones count as there."""
    (policy,) = resource(source, role)["Policies"]
    found = [s["Fn::If"][1] if "Fn::If" in s else s for s in policy["PolicyDocument"]["Statement"]]
    return {s["Sid"]: s for s in found}


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
