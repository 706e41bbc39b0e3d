"""Where the webhook must not call, in each of the forms that it can be written in."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from streamproc.errors import WebhookAddressError
from streamproc.settings import load
from streamproc.webhook.addresses import GuardedResolver, check_host, is_refused
from streamproc.webhook.calling import Caller
from streamproc.webhook.trial import sample

REFUSED = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::169.254.169.254",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
]
ALLOWED = ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "8.8.8.8", "2001:db8::1"]


class Names(AbstractResolver):
    """Stands for the resolver of names: leads every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses, whatever is asked."""
        return [
            ResolveResult(
                hostname=host, host=one, port=port, family=family, proto=0, flags=0
            )
            for one in self.addresses
        ]

    async def close(self) -> None:
        """Note it."""
        self.closed = True


@pytest.mark.parametrize("address", REFUSED)
def test_link_local_and_metadata_addresses_are_refused(address: str) -> None:
    """Also where an IPv4 address hides in an IPv6 one."""
    assert is_refused(address)
    with pytest.raises(WebhookAddressError, match="webhook_link_local"):
        check_host(address, may_be_link_local=False)
    check_host(address, may_be_link_local=True)


@pytest.mark.parametrize("address", ALLOWED)
def test_loopback_and_other_addresses_are_called(address: str) -> None:
    """A receiver on the same machine, or in the same network, is usual."""
    assert not is_refused(address)
    check_host(address, may_be_link_local=False)


def test_a_name_is_no_address() -> None:
    """What it leads to is looked at when it is resolved."""
    check_host("metadata.example", may_be_link_local=False)


async def test_a_name_that_leads_to_one_is_refused() -> None:
    """Even if it leads to another as well: which one is called is chance."""
    names = Names("10.0.0.1", "169.254.169.254")
    with pytest.raises(WebhookAddressError, match=r"hooks\.example"):
        await GuardedResolver(names).resolve("hooks.example", 80)


async def test_a_name_that_leads_elsewhere_is_resolved() -> None:
    """To what is then connected to."""
    names = Names("10.0.0.1")
    resolver = GuardedResolver(names)
    (found,) = await resolver.resolve("hooks.example", 80)
    assert found["host"] == "10.0.0.1"
    await resolver.close()
    assert names.closed


async def test_no_name_in_the_settings_leads_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The webhook's own calls are guarded; nothing is sent, and it is said why."""
    names = Names("169.254.169.254")
    monkeypatch.setattr("streamproc.webhook.addresses.DefaultResolver", lambda: names)
    settings = load({"webhook_url": "http://hooks.example/x"}, {})
    async with Caller(settings) as caller:
        outcome = await caller.post([sample(0)])
    assert not outcome.delivered
    assert "hooks.example is, or leads to, a link-local" in (outcome.error or "")
