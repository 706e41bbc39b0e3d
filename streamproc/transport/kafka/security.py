"""How to connect to a Kafka cluster: addresses, login, certificates."""

import ssl
from typing import Any

from faust.auth import SASLCredentials, SSLCredentials

from streamproc.errors import SettingsError
from streamproc.settings import Settings

CLIENT_ID = "streamproc"


def addresses(settings: Settings) -> list[str]:
    """``host:port`` of each broker to ask first."""
    hosts = settings.broker_url.removeprefix("kafka://").rstrip("/").split(",")
    return [host.strip() for host in hosts if host.strip()]


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """What the TLS settings ask for; None for an open connection.

    Raises SettingsError that names the file that cannot be used.
    """
    if not (settings.tls or settings.tls_ca or settings.tls_cert):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except OSError as exc:
        raise SettingsError(f"tls_ca: {settings.tls_ca}: {exc}") from exc
    if settings.tls_cert is not None:
        try:
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
        except OSError as exc:
            files = f"{settings.tls_cert}, {settings.tls_key}"
            raise SettingsError(f"tls_cert, tls_key: {files}: {exc}") from exc
    return context


def password(settings: Settings) -> str:
    """The password, from the setting or from its file."""
    path = settings.sasl_password_file
    if path is None:
        return settings.sasl_password
    try:
        return path.read_text().strip()
    except OSError as exc:
        raise SettingsError(f"sasl_password_file: {path}: {exc.strerror}") from exc


def credentials(settings: Settings) -> SASLCredentials | SSLCredentials | None:
    """The same as Faust takes it."""
    context = ssl_context(settings)
    if settings.sasl_mechanism:
        return SASLCredentials(
            username=settings.sasl_username,
            password=password(settings),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context)


def connection(settings: Settings) -> dict[str, Any]:
    """The same as aiokafka's clients take it, with the addresses."""
    context = ssl_context(settings)
    login = bool(settings.sasl_mechanism)
    protocol = ("SASL_" if login else "") + ("SSL" if context else "PLAINTEXT")
    options: dict[str, Any] = {
        "bootstrap_servers": addresses(settings),
        "client_id": CLIENT_ID,
        "ssl_context": context,
        "security_protocol": protocol if login or context else "PLAINTEXT",
    }
    if login:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": password(settings),
        }
    return options
