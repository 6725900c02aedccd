"""`doctor` before `[network]` and `[aurora]` are made.

The emulator counts VPCs, addresses and clusters, and knows zones and versions of engines. It knows
no quotas and offers no db.serverless: there a client of ours answers in the shape of botocore's
model.
"""

import dataclasses
import json

import pytest

from dynaurora.deploy.doctor import own
from dynaurora.deploy.doctor.findings import Patient
from dynaurora.deploy.doctor.rounds import examined
from dynaurora.deploy.own import Own
from dynaurora.errors import ProjectError
from support.answering import Answering
from support.templates import NETWORK, deployed, template

VERSIONS = {
    name: found["Version"] for name, found in template("aurora")["Mappings"]["Engines"].items()
}


@pytest.fixture
def patient(project, aws):
    """A project that asks for both, and what its clients answer otherwise than the emulator."""

    def made(network=None, aurora=None, answers=None):
        project_ = dataclasses.replace(project, own=Own(network=network, aurora=aurora))
        return Patient(
            project=project_,
            client=lambda service: (answers or {}).get(service) or aws.client(service),
            account=aws.account,
            region=aws.region,
            arn="",
            tables=(),
            ask=lambda _command: {},
        )

    return made


def quota_of(value):
    answer = {"Quota": {"ServiceCode": "vpc", "Value": float(value)}}
    return {"service-quotas": Answering("service-quotas", None, get_service_quota=answer)}


def found_in(found, where):
    (one,) = [each for each in found if each.where.startswith(where)]
    assert one.remedy or one.level == "good"
    return one


def vpcs(aws):
    return len(aws.client("ec2").describe_vpcs()["Vpcs"])


# --- quotas -------------------------------------------------------------------------------------


def test_where_nothing_of_ones_own_is_asked_for_nothing_is_looked_at(patient):
    assert [*own.own_network(patient()), *own.own_cluster(patient())] == []


def test_room_for_one_more_network_is_counted(patient, aws):
    there = vpcs(aws)
    enough = own.own_network(patient({}, answers=quota_of(there + 1)))
    told = found_in(enough, "quota VPCs per Region")
    assert told.level == "good"
    assert told.found == f"{there} of {there + 1} are there, 1 would be added"
    full = own.own_network(patient({}, answers=quota_of(there)))
    assert found_in(full, "quota VPCs per Region").level == "problem"


def test_a_raised_quota_counts_and_is_asked_for_by_its_code(patient, aws):
    answers = quota_of(1_000)
    assert found_in(own.own_network(patient({}, answers=answers)), "quota").level == "good"
    assert answers["service-quotas"].asked == [{"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}]


def test_where_quotas_are_not_told_the_default_counts_and_is_called_so(patient, aws, monkeypatch):
    def with_default(usual):
        monkeypatch.setattr(own, "_VPCS", dataclasses.replace(own._VPCS, usual=usual))
        return found_in(own.own_network(patient({})), "quota VPCs")

    there = vpcs(aws)
    assert (with_default(there + 1).level, with_default(there).level) == ("good", "unknown")
    assert f"{there} of {there} by default" in with_default(there).found
    assert "servicequotas:GetServiceQuota" in with_default(there).remedy


def test_an_address_is_needed_for_nat_alone(patient, aws):
    wheres = [each.where for each in own.own_network(patient({}))]
    assert not any("Elastic" in where for where in wheres)
    address = aws.client("ec2").allocate_address(Domain="vpc")["AllocationId"]
    try:
        there = len(aws.client("ec2").describe_addresses()["Addresses"])
        found = own.own_network(patient({"Nat": "true"}, answers=quota_of(there)))
        assert found_in(found, "quota EC2-VPC Elastic IPs").level == "problem"
    finally:
        aws.client("ec2").release_address(AllocationId=address)


def test_room_for_one_more_cluster_is_counted(patient, aws, project):
    rds, name = aws.client("rds"), f"{project.name}-other"
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="someone",
        MasterUserPassword="something-long",
    )
    try:
        engines = [each["Engine"] for each in rds.describe_db_clusters()["DBClusters"]]
        there = sum(engine.startswith("aurora") for engine in engines)
        assert there
        for most, level in ((there, "problem"), (there + 1, "good")):
            found = own.own_cluster(patient(aurora={}, answers=quota_of(most)))
            assert found_in(found, "quota DB clusters").level == level
    finally:
        rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)


def test_a_network_that_is_there_needs_no_room(patient, aws, project):
    given = {**NETWORK, "Project": project.name}
    with deployed(aws, "network", f"{project.name}-network", given) as deploy:
        deploy()
        assert list(own.own_network(patient({}, answers=quota_of(0)))) == []


# --- zones --------------------------------------------------------------------------------------


def zone(name):
    return {"ZoneName": name, "ZoneType": "availability-zone", "State": "available"}


def test_a_region_with_zones_enough_is_well_and_with_too_few_is_not(patient):
    told = found_in(own.own_network(patient({"Zones": "3"})), "Availability Zones")
    assert (told.level, told.found[:2]) == ("good", "3 ")
    told = found_in(own.own_network(patient({"Zones": "4"})), "Availability Zones")
    assert told.level == "problem"
    assert "another Region" in told.remedy


def test_zones_without_a_default_subnet_are_not_seen_by_the_template(patient, aws):
    zones = [zone(f"{aws.region}{letter}") for letter in "abcd"]
    ec2 = Answering(
        "ec2", aws.client("ec2"), describe_availability_zones={"AvailabilityZones": zones}
    )
    told = found_in(own.own_network(patient({"Zones": "4"}, answers={"ec2": ec2})), "Availability")
    assert told.level == "problem"
    assert "create-default-subnet" in told.remedy


def test_without_any_default_subnet_all_zones_count(patient, aws):
    ec2 = Answering("ec2", aws.client("ec2"), describe_subnets={"Subnets": []})
    told = found_in(own.own_network(patient({"Zones": "3"}, answers={"ec2": ec2})), "Availability")
    assert told.level == "good"


# --- the engine ---------------------------------------------------------------------------------


def offering(aws, *options):
    answer = {"OrderableDBInstanceOptions": list(options)}
    return Answering("rds", aws.client("rds"), describe_orderable_db_instance_options=answer)


SERVERLESS = {"Engine": "aurora-postgresql", "DBInstanceClass": "db.serverless"}


@pytest.mark.parametrize("engine", VERSIONS)
def test_the_version_of_the_template_is_asked_for(patient, aws, engine):
    rds = offering(aws, SERVERLESS)
    told = found_in(
        own.own_cluster(patient(aurora={"Engine": engine}, answers={"rds": rds})), "aurora-"
    )
    assert told.level == "good"
    assert rds.asked == [
        {
            "Engine": f"aurora-{engine}",
            "EngineVersion": VERSIONS[engine],
            "DBInstanceClass": "db.serverless",
        }
    ]


def test_a_version_that_is_not_offered_here_is_found(patient, aws):
    aurora = {"EngineVersion": "17.99"}
    told = found_in(own.own_cluster(patient(aurora=aurora)), "aurora-postgresql 17.99")
    assert (told.level, told.found) == ("problem", f"is not offered in {aws.region}")
    assert "EngineVersion below [aurora]" in told.remedy


def test_a_version_that_is_not_offered_as_serverless_is_found(patient, aws):
    told = found_in(own.own_cluster(patient(aurora={}, answers={"rds": offering(aws)})), "aurora-")
    assert (told.level, told.found) == (
        "problem",
        f"is not offered as db.serverless in {aws.region}",
    )


def test_a_template_that_says_no_version_is_not_known(patient, project):
    (project.infra / "aurora.yaml").write_text("Resources: {}\n")
    told = [each for each in own.own_cluster(patient(aurora={})) if each.where == "Aurora"]
    assert [each.level for each in told] == ["unknown"]


# --- as one may, and all at once ----------------------------------------------------------------


def refusing(_command):
    raise ProjectError("stack s", "it is not there")


def test_what_may_not_be_asked_is_not_known(aws, project, monkeypatch):
    name = f"{project.name}-narrow"
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:DescribeVpcs", "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="it", PolicyDocument=policy)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    asking = dataclasses.replace(project, own=Own(network={}, aurora={}))
    found = examined(asking, (), refusing)
    (told,) = [each for each in found if each.where == "EC2"]
    assert told.level == "unknown"
    assert "DescribeVpcs" in told.remedy or "DescribeVpcs" in told.found
    assert any(each.where == "quota DB clusters" for each in found), "the other checks are done"
