"""Certificates made with the program openssl: an authority, and a server that it vouches for."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificates:
    """authority: the file of who signed; certificate, key: of the server."""

    authority: Path
    certificate: Path
    key: Path


def made(folder, address, authority="/CN=Authority of a test"):
    """Those of a server at this address, signed by this authority; the key is for its owner."""
    if shutil.which("openssl") is None:
        pytest.skip("There is no program openssl.")
    subject = ("-subj", authority)
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    certificate, key, asked = folder / "server.pem", folder / "server.key", folder / "server.csr"
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, *subject)
    _openssl("req", *new_key, "-keyout", key, "-out", asked, "-subj", "/CN=Server of a test")
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName=IP:{address}\n")
    signed = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days", "2")
    _openssl("x509", "-req", "-in", asked, *signed, "-extfile", extensions, "-out", certificate)
    key.chmod(0o600)
    return Certificates(authority, certificate, key)


def _openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)
