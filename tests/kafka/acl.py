"""Permissions on a secured broker: taken from its user, and given back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

LIMIT_S = 60

CONFIG = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "super.users": "User:ANONYMOUS",
}
"""Of a broker on which everything is allowed, but what a test denies."""


@contextmanager
def denied(servers: str, kind: str, name: str, operation: str) -> Iterator[None]:
    """Deny everybody but the brokers READ, WRITE, ... on a topic or group.

    ``servers``: of the PLAINTEXT listener, whose users are never denied anything.
    """
    admin = AdminClient({"bootstrap.servers": servers})
    where = (ResourceType[kind.upper()], name, ResourcePatternType.LITERAL)
    rules: list[Any] = [
        (*where, "User:*", "*", AclOperation.ALL, AclPermissionType.ALLOW),
        (
            *(*where, "User:*", "*"),
            *(AclOperation[operation.upper()], AclPermissionType.DENY),
        ),
    ]
    for rule in rules:  # in this order: whoever has one rule is denied all others
        _done(admin.create_acls([AclBinding(*rule)]))
        _wait_for(admin, AclBindingFilter(*rule))
    try:
        yield
    finally:
        for rule in reversed(rules):
            _done(admin.delete_acls([AclBindingFilter(*rule)]))


def _wait_for(admin: AdminClient, rule: Any) -> None:
    """Wait until the broker goes by a rule that its controller has written."""
    give_up = time.monotonic() + LIMIT_S
    while not admin.describe_acls(rule).result(LIMIT_S):
        if time.monotonic() > give_up:
            raise TimeoutError(f"{rule} does not hold")
        time.sleep(0.05)


def _done(answers: dict[Any, Any]) -> None:
    for answer in answers.values():
        answer.result(LIMIT_S)
