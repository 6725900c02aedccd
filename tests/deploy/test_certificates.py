"""The certificates that travel with the load: the project's own, or AWS's, fetched once."""

import dataclasses

import pytest

from dynaurora.deploy.certificates import certificates_of, setting_of
from dynaurora.deploy.packaging import Sources, load_package
from dynaurora.errors import ProjectError
from support import certificates

RDS = "postgresql://load@shop.cluster-x.eu-west-1.rds.amazonaws.com/app"


@pytest.fixture(scope="module")
def of_aws(tmp_path_factory):
    """What AWS offers, as far as its owner says so."""
    folder = tmp_path_factory.mktemp("certificates")
    subject = "/O=Amazon Web Services, Inc./CN=Amazon RDS eu-west-1 Root CA RSA2048 G1"
    return certificates.made(folder, "127.0.0.1", authority=subject).authority.read_bytes()


@pytest.fixture
def on_aws(project):
    """The project with its database at this URL, on AWS."""

    def at(url, **database):
        settings = dataclasses.replace(project.database, url=url, **database)
        return dataclasses.replace(project, endpoint="", database=settings)

    return at


def test_those_of_aws_are_fetched_once_for_a_database_of_rds(on_aws, of_aws):
    fetched = []

    def fetch():
        fetched.append(of_aws)
        return of_aws

    project = on_aws(RDS)
    for _ in range(2):
        assert certificates_of(project, fetch).read_bytes() == of_aws
    assert len(fetched) == 1
    assert setting_of(project) == "certificates.pem"


@pytest.mark.parametrize(
    "url", ["postgresql://load@db.example/app", f"{RDS}?sslrootcert=sqlqueries/own.pem"]
)
def test_for_other_databases_none_are_fetched(on_aws, url):
    assert certificates_of(on_aws(url), pytest.fail) is None
    assert setting_of(on_aws(url)) == ""


def test_the_projects_own_travel_instead(on_aws, project, tmp_path):
    own = tmp_path / "own.pem"
    own.write_text("of our own")
    found = on_aws(RDS, certificates=str(own))
    assert certificates_of(found, pytest.fail) == own
    with pytest.raises(ProjectError, match=r"none\.pem"):
        certificates_of(on_aws(RDS, certificates=str(tmp_path / "none.pem")), pytest.fail)
    # An emulator's Lambda is on this machine, and reads the file where it is.
    local = dataclasses.replace(found, endpoint=project.endpoint)
    assert setting_of(local) == str(own)


def test_what_cannot_be_fetched_is_told_with_what_to_do(on_aws):
    def fetch():
        raise OSError(101, "Network is unreachable")

    with pytest.raises(ProjectError, match=r"Network is unreachable.*put it to .*bundle\.pem"):
        certificates_of(on_aws(RDS), fetch)


@pytest.mark.parametrize("found", [b"<html>sign in to this network</html>", b"", b"\xff\xfe"])
def test_what_is_no_certificate_is_not_kept(on_aws, found):
    project = on_aws(RDS)
    with pytest.raises(ProjectError, match="is not what it should be"):
        certificates_of(project, lambda: found)
    assert not (project.root / ".dynaurora" / "global-bundle.pem").exists()


def test_certificates_of_somebody_else_are_not_kept(on_aws, tmp_path):
    another = certificates.made(tmp_path, "127.0.0.1").authority.read_bytes()
    with pytest.raises(ProjectError, match="Amazon Web Services"):
        certificates_of(on_aws(RDS), lambda: another)


def test_they_travel_in_the_zip_of_the_load(project_folder, tmp_path, of_aws):
    kept = tmp_path / "global-bundle.pem"
    kept.write_bytes(of_aws)
    sources = Sources(project_folder / "lambda_functions", tmp_path, certificates=kept)
    assert load_package(sources).files["certificates.pem"] == of_aws
