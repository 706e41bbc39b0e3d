"""What a secured broker needs: users, a CA, and certificates in PEM files.

``broker.Cluster(security=...)`` opens two listeners with it: SASL_SSL, which
asks for the user's password, and SSL, which asks for the client's certificate.
The certificates are made with the ``openssl`` command.
"""

import secrets
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
LISTENERS = ("SASL_SSL", "SSL")

_MODULES = "org.apache.kafka.common.security"
_OPENSSL_S = 120
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_CA = """[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = streamproc test CA
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_LEAF = """basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
_BROKER = "extendedKeyUsage = serverAuth\nsubjectAltName = IP:127.0.0.1, DNS:localhost"
_CLIENT = "extendedKeyUsage = clientAuth"


def missing() -> str | None:
    """Return why no certificates can be made here, or None if they can."""
    return None if shutil.which("openssl") else "openssl is not on the PATH"


@dataclass(frozen=True, slots=True)
class Security:
    """One user, known to all mechanisms, and the certificates in a folder.

    ``client_auth`` says whether the SASL_SSL listener, too, asks for a client's
    certificate; the SSL listener always does.
    """

    folder: Path
    user: str = "stores"
    password: str = field(default_factory=lambda: secrets.token_hex(12))
    client_auth: Literal["none", "requested", "required"] = "none"

    @property
    def ca_path(self) -> Path:
        """The certificate that clients and brokers trust."""
        return self.folder / "ca.pem"

    @property
    def client_cert_path(self) -> Path:
        """The client's certificate, signed by the CA."""
        return self.folder / "client.pem"

    @property
    def client_key_path(self) -> Path:
        """The client's private key, not encrypted."""
        return self.folder / "client.key"

    def create(self) -> None:
        """Make the CA, the broker's and the client's certificates, once."""
        if self.ca_path.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._authority()
        self._certificate("broker", _BROKER)
        self._certificate("client", _CLIENT)
        store = self.folder / "broker-store.pem"
        parts = (self.folder / "broker.key", self.folder / "broker.pem", self.ca_path)
        store.write_text("".join(part.read_text() for part in parts))

    def properties(self) -> Mapping[str, str]:
        """Return the broker's settings for both secured listeners."""
        plain = f'plain.PlainLoginModule required user_{self.user}="{self.password}";'
        scram = "scram.ScramLoginModule required;"
        jaas = "listener.name.sasl_ssl.{}.sasl.jaas.config"
        return {
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            jaas.format("plain"): f"{_MODULES}.{plain}",
            jaas.format("scram-sha-256"): f"{_MODULES}.{scram}",
            jaas.format("scram-sha-512"): f"{_MODULES}.{scram}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.folder / "broker-store.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca_path),
            "listener.name.ssl.ssl.client.auth": "required",
            "listener.name.sasl_ssl.ssl.client.auth": self.client_auth,
        }

    def format_arguments(self) -> list[str]:
        """Return what StorageTool needs to know the user's SCRAM secrets."""
        user = f"[name={self.user},password={self.password}]"
        scram = (m for m in MECHANISMS if m.startswith("SCRAM"))
        return [part for m in scram for part in ("--add-scram", f"{m}={user}")]

    def ssl_context(self, *, client_certificate: bool = False) -> ssl.SSLContext:
        """Return a client's context that trusts this CA only."""
        context = ssl.create_default_context(cafile=self.ca_path)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        if client_certificate:
            context.load_cert_chain(self.client_cert_path, self.client_key_path)
        return context

    def sasl(
        self, mechanism: str = "PLAIN", *, password: str | None = None
    ) -> dict[str, Any]:
        """Return aiokafka's options for the SASL_SSL listener."""
        return {
            "security_protocol": "SASL_SSL",
            "ssl_context": self.ssl_context(
                client_certificate=self.client_auth != "none"
            ),
            "sasl_mechanism": mechanism,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password if password is None else password,
        }

    def mutual_tls(self) -> dict[str, Any]:
        """Return aiokafka's options for the SSL listener."""
        context = self.ssl_context(client_certificate=True)
        return {"security_protocol": "SSL", "ssl_context": context}

    def _authority(self) -> None:
        (self.folder / "ca.cnf").write_text(_CA)
        self._openssl(
            *("req", "-x509", *_KEY, "-days", "2", "-config", "ca.cnf"),
            *("-keyout", "ca.key", "-out", "ca.pem"),
        )

    def _certificate(self, name: str, usage: str) -> None:
        (self.folder / f"{name}.cnf").write_text(_LEAF + usage + "\n")
        self._openssl(
            *("req", "-new", *_KEY, "-subj", f"/CN=streamproc test {name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-days", "2"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-extfile", f"{name}.cnf", "-out", f"{name}.pem"),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_OPENSSL_S,
            check=True,
        )
