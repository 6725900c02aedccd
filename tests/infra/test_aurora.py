"""The cluster: private, encrypted, TLS alone; and that it comes up and goes again.

The emulator's cluster is a name without a server (docs/local.md), so each rule is asserted here.
"""

import pytest

from dynaurora.adapters.cloudformation import StackChange
from support.templates import NETWORK, allowed, deployed, of_type, resource, template, text


@pytest.fixture(scope="module")
def aurora():
    return template("aurora")


def test_no_instance_is_public_and_none_lies_where_a_way_leads_out(aurora):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html"""
    instances = of_type(aurora, "AWS::RDS::DBInstance")
    assert set(instances) == {"Writer", "Second"}
    for instance in instances.values():
        assert instance["Properties"]["PubliclyAccessible"] is False
        assert instance["Properties"]["DBInstanceClass"] == "db.serverless"
    cluster = resource(aurora, "Cluster")
    assert cluster["DBSubnetGroupName"] == {"Ref": "Subnets"}
    assert cluster["VpcSecurityGroupIds"] == [{"Ref": "SecurityGroup"}]
    assert resource(aurora, "Subnets")["SubnetIds"] == {"Ref": "SubnetIds"}


def test_the_storage_is_encrypted_by_aws_or_by_a_key_of_ones_own(aurora):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Overview.Encryption.html"""
    cluster = resource(aurora, "Cluster")
    assert cluster["StorageEncrypted"] is True
    assert cluster["KmsKeyId"]["Fn::If"][:2] == ["HasKey", {"Ref": "KmsKeyArn"}]
    assert cluster["MasterUserSecret"]["Fn::If"][:2] == [
        "HasKey",
        {"KmsKeyId": {"Ref": "KmsKeyArn"}},
    ]


def test_both_engines_refuse_who_comes_without_tls(aurora):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html,
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Security.html
    """
    condition, postgresql, mysql = resource(aurora, "Parameters")["Parameters"]["Fn::If"]
    assert condition == "IsPostgresql"
    assert postgresql["rds.force_ssl"] == "1"
    assert mysql["require_secure_transport"] == "ON"
    cluster = resource(aurora, "Cluster")
    assert cluster["DBClusterParameterGroupName"] == {"Ref": "Parameters"}


def test_mysql_takes_the_rows_that_the_load_copies(aurora):
    assert resource(aurora, "Parameters")["Parameters"]["Fn::If"][2]["local_infile"] == "1"


def test_no_password_stands_in_the_template(aurora):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html"""
    cluster = resource(aurora, "Cluster")
    assert cluster["ManageMasterUserPassword"] is True
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    assert "MasterUserPassword" not in cluster
    assert ":${" not in text(aurora["Outputs"]["DatabaseUrl"]["Value"]).partition("@")[0]


def test_no_log_is_exported_that_quotes_a_row_and_each_forgets(aurora):
    """PostgreSQL's errors quote it in their detail and context, MySQL's slow and general log in the
    statement. https://www.postgresql.org/docs/17/runtime-config-logging.html
    """
    engines = aurora["Mappings"]["Engines"]
    assert {engine: found["Log"] for engine, found in engines.items()} == {
        "postgresql": "postgresql",
        "mysql": "error",
    }
    assert (
        resource(aurora, "Parameters")["Parameters"]["Fn::If"][1]["log_error_verbosity"] == "terse"
    )
    named = {"Fn::FindInMap": ["Engines", {"Ref": "Engine"}, "Log"]}
    exported = resource(aurora, "Cluster")["EnableCloudwatchLogsExports"]
    assert exported == [named, "iam-db-auth-error"]
    groups = of_type(aurora, "AWS::Logs::LogGroup")
    assert set(groups) == set(aurora["Resources"]["Cluster"]["DependsOn"])
    for group in groups.values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_data_outlive_the_stack(aurora):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html"""
    found = aurora["Resources"]["Cluster"]
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    assert found["Properties"]["DeletionProtection"] == {"Ref": "DeletionProtection"}
    assert aurora["Parameters"]["DeletionProtection"]["Default"] == "true"
    assert found["Properties"]["BackupRetentionPeriod"] == {"Ref": "BackupRetentionDays"}
    assert aurora["Parameters"]["BackupRetentionDays"]["MinValue"] == 1


def test_it_pauses_only_where_that_is_asked_for(aurora):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html"""
    scaling = resource(aurora, "Cluster")["ServerlessV2ScalingConfiguration"]
    assert scaling["MinCapacity"] == {"Ref": "MinCapacity"}
    assert scaling["MaxCapacity"] == {"Ref": "MaxCapacity"}
    condition, seconds, nothing = scaling["SecondsUntilAutoPause"]["Fn::If"]
    assert condition == "CanPause"
    assert seconds == {"Ref": "SecondsUntilAutoPause"}
    assert nothing == {"Ref": "AWS::NoValue"}
    assert aurora["Conditions"]["CanPause"] == {"Fn::Equals": [{"Ref": "MinCapacity"}, 0]}


def test_who_measures_the_operating_system_may_write_its_own_log_alone(aurora):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Monitoring.OS.Enabling.html"""
    assert aurora["Parameters"]["MonitoringSeconds"]["Default"] == 0
    (trust,) = resource(aurora, "MonitoringRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert {
        where.rpartition("log-group:")[2] for _, where in allowed(aurora, "MonitoringRole")
    } == {"RDSOSMetrics:*"}


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_the_cluster_comes_up_changes_and_goes(aws, engine):
    rds = aws.client("rds")
    name = f"of-aurora-{engine}"
    network = {**NETWORK, "Project": name}
    cluster = {"Engine": engine, "DeletionProtection": "false"}
    with (
        deployed(aws, "network", f"{name}-network", network) as deploy_network,
        deployed(aws, "aurora", f"{name}-aurora", {"Project": name, **cluster}) as deploy,
    ):
        around = deploy_network().outputs
        cluster["SubnetIds"] = around["DatabaseSubnetIds"]
        cluster["SecurityGroup"] = around["DatabaseSecurityGroup"]
        first = deploy(**cluster)
        port = {"postgresql": 5432, "mysql": 3306}[engine]
        url = first.outputs["DatabaseUrl"]
        assert url.startswith(f"{engine}://dynaurora_load@{name}-aurora.cluster-")
        assert url.endswith(f".rds.amazonaws.com:{port}/app")
        (found,) = rds.describe_db_clusters(DBClusterIdentifier=f"{name}-aurora")["DBClusters"]
        assert first.outputs["ClusterResourceId"] == found["DbClusterResourceId"]
        assert found["StorageEncrypted"]
        assert found["IAMDatabaseAuthenticationEnabled"]
        assert deploy(**cluster).change is StackChange.UNCHANGED
        more = deploy(**cluster, Standby="true", MinCapacity="0", MonitoringSeconds="60")
        assert more.change is StackChange.UPDATED
        instances = [i["DBInstanceIdentifier"] for i in rds.describe_db_instances()["DBInstances"]]
        assert {f"{name}-aurora-1", f"{name}-aurora-2"} <= set(instances)
    left = [c["DBClusterIdentifier"] for c in rds.describe_db_clusters()["DBClusters"]]
    assert f"{name}-aurora" not in left
