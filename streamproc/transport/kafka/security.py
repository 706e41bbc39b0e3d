"""How to connect to a Kafka cluster: addresses, login, certificates."""

import ssl
from typing import Any

from faust.auth import SASLCredentials, SSLCredentials

from streamproc.errors import SettingsError
from streamproc.transport.options import BrokerOptions

CLIENT_ID = "streamproc"


def addresses(options: BrokerOptions) -> list[str]:
    """``host:port`` of each broker to ask first."""
    hosts = options.broker_url.removeprefix("kafka://").rstrip("/").split(",")
    return [host.strip() for host in hosts if host.strip()]


def ssl_context(options: BrokerOptions) -> ssl.SSLContext | None:
    """What the TLS options ask for; None for an open connection.

    Raises SettingsError that names the file that cannot be used.
    """
    if not (options.tls or options.tls_ca or options.tls_cert):
        return None
    try:
        context = ssl.create_default_context(cafile=options.tls_ca)
    except OSError as exc:
        raise SettingsError(f"tls_ca: {options.tls_ca}: {exc}") from exc
    if options.tls_cert is not None:
        try:
            context.load_cert_chain(options.tls_cert, options.tls_key)
        except OSError as exc:
            files = f"{options.tls_cert}, {options.tls_key}"
            raise SettingsError(f"tls_cert, tls_key: {files}: {exc}") from exc
    return context


def password(options: BrokerOptions) -> str:
    """The password, from the setting or from its file."""
    path = options.sasl_password_file
    if path is None:
        return options.sasl_password
    try:
        return path.read_text().strip()
    except OSError as exc:
        raise SettingsError(f"sasl_password_file: {path}: {exc.strerror}") from exc


def credentials(options: BrokerOptions) -> SASLCredentials | SSLCredentials | None:
    """The credentials as Faust takes them; None without any."""
    context = ssl_context(options)
    if options.sasl_mechanism:
        return SASLCredentials(
            username=options.sasl_username,
            password=password(options),
            mechanism=options.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context)


def connection(options: BrokerOptions) -> dict[str, Any]:
    """Arguments of aiokafka's clients: the addresses, and the credentials."""
    context = ssl_context(options)
    login = bool(options.sasl_mechanism)
    protocol = ("SASL_" if login else "") + ("SSL" if context else "PLAINTEXT")
    found: dict[str, Any] = {
        "bootstrap_servers": addresses(options),
        "client_id": CLIENT_ID,
        "ssl_context": context,
        "security_protocol": protocol if login or context else "PLAINTEXT",
    }
    if login:
        found |= {
            "sasl_mechanism": options.sasl_mechanism,
            "sasl_plain_username": options.sasl_username,
            "sasl_plain_password": password(options),
        }
    return found
