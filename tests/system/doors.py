"""The doors through which polls and what is known of stores come, to one worker.

Each door is given the same things in its own form: records of a topic, bodies of HTTP
requests, CSV files. What comes of one is what the tables then say, or a refusal.
"""

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from streamproc.batch.report import KnownStores
from streamproc.cli.load import publish
from streamproc.cli.progress import Progress
from streamproc.cli.replay import Replay
from streamproc.loading.loader import Loader
from streamproc.loading.options import Files, Reading
from streamproc.rejected import TOPIC, Rejected
from streamproc.rules.labels import parse_labels
from streamproc.rules.packing import is_active, time_of
from streamproc.rules.poll import Poll
from streamproc.transport.connect import connect
from streamproc.transport.partitioner import partition_for
from streamproc.transport.topic import Topic
from tables import exclusions, hours, labels, special_hours, zones
from tables.calendars import StoreFacts
from tables.fact_tables import facts_of
from tables.facts import Facts
from tests.system.test_program import rejected
from tests.system.told import Told, without
from tests.waiting import LIMIT_S
from tests.web.live_site import NOW_US, LiveSite
from tests.web.test_uploads import act, reader_page, send

READING = Reading(skip_refused=True, force=True)
FINE = "2025-05-06 11:00:00 UTC"

Meant = Any
"""What the tables say: a set of ``Poll``, openings, the name of a zone, …"""


@dataclass(frozen=True)
class Refusal:
    """Why something was refused; a replay says the reason only."""

    reason: str
    message: str = ""


Refusals = dict[Told, Refusal]


@dataclass
class Doors:
    """One worker, and what came of all that was told at each door."""

    site: LiveSite
    folder: Path
    come_of: dict[str, Callable[[Told], Meant | Refusal]] = field(default_factory=dict)

    def outcome(self, door: str, told: Mapping[str, Told], name: str) -> Any:
        """What came of one thing; all are told together, when first asked for."""
        if door not in self.come_of:
            self.come_of[door] = self._tell(door, list(told.values()))
        return self.come_of[door](told[name])

    def _tell(
        self, door: str, everything: Sequence[Told]
    ) -> Callable[[Told], Meant | Refusal]:
        if door == "once":
            return self._once(everything)
        refused = getattr(self, f"_{door}")(everything)
        self.site.settle()
        return lambda told: refused.get(told) or meant(self.site, told)

    def _topic(self, everything: Sequence[Told]) -> Refusals:
        """Records, as any producer writes them."""
        for told in everything:
            self.site.publish(self._where(told), [(told.key, told.value)])
        self.site.settle()
        why = {
            one.value: Refusal(one.reason, one.message)
            for one in self.site.run(rejected(self.site.program))
            if one.door == TOPIC
        }
        return {told: why[told.value] for told in everything if told.value in why}

    def _replay(self, everything: Sequence[Told]) -> Refusals:
        """Refused records that are sent again."""
        return dict(self.site.run(self._replayed(everything)))

    async def _replayed(self, everything: Sequence[Told]) -> list[tuple[Told, Refusal]]:
        client = await connect(self.site.settings)
        refused = []
        try:
            for told in everything:
                topic, key = self._where(told).name, told.key.encode()
                one = Rejected(TOPIC, "x", "x", topic, key=key, value=told.value)
                done = await Replay(self.site.program.topics, NOW_US).run(client, [one])
                refused += [(told, Refusal(reason)) for reason in done.kept_back]
        finally:
            await client.close()
        return refused

    def _http(self, everything: Sequence[Told]) -> Refusals:
        """Polls to the gateway, everything else by PUT."""
        polls = [told for told in everything if told.kind == "polls"]
        rows = [{"store_id": told.store_id, **told.message} for told in polls]
        told_off = self.site.post_json("/api/v1/polls", rows).json["rejected"]
        refused = {
            polls[each["index"]]: Refusal(each["reason"], each["message"])
            for each in told_off
        }
        for told in everything:
            if told.kind != "polls" and (why := self._put(told)):
                refused[told] = why
        return refused

    def _put(self, told: Told) -> Refusal | None:
        store, _, rest = (quote(each, safe="") for each in told.key.partition("\0"))
        name = {"zones": "zone", "special_hours": "special-hours"}.get(told.kind)
        path = f"/api/v1/stores/{store}/{name or told.kind}"
        if told.kind in ("special_hours", "exclusions"):
            path += f"/{rest}"
        in_the_path = ("date", "id") if rest else ()
        body = {"create": True, **without(told.message, *in_the_path)}
        sent = json.dumps(body).encode()
        answer = self.site.ask("PUT", path, sent, Content_Type="application/json")
        if answer.status == 200:
            return None
        return Refusal(answer.json["error"], answer.json["message"].removesuffix("."))

    def _load(self, everything: Sequence[Told]) -> Refusals:
        """Files, as ``load`` reads and publishes them."""
        loader, files, refused = self._read(everything)
        self.site.run(publish(self.site.settings, loader, files))
        return refused

    def _once(self, everything: Sequence[Told]) -> Callable[[Told], Meant | Refusal]:
        """Files, as ``once`` reads and counts them."""
        loader, _, refused = self._read(everything)
        assert loader.polls is not None
        of_labels = next(file for file in loader.stores if file.kind == "labels")
        polls = loader.polls.by_store()
        known = KnownStores.of(polls, loader.stores, NOW_US)
        ends = np.cumsum(known.counts)

        def come_of(told: Told) -> Meant | Refusal:
            if told in refused:
                return refused[told]
            store_id = told.store_id.strip()
            if told.kind == "labels":
                return parse_labels(of_labels.messages[store_id])
            if store_id.encode() not in known.store_ids:
                return []
            at = known.store_ids.index(store_id.encode())
            packed = known.packed[ends[at] - known.counts[at] : ends[at]]
            if told.kind == "polls":
                return polls_of(store_id, packed)
            facts: StoreFacts = known.facts[at]
            zone = () if facts.zone is None else ((b"", facts.zone),)
            kept = {"special_hours": facts.special, "zones": zone}
            kind = told.kind
            return decoded(kind, kept[kind] if kind in kept else getattr(facts, kind))

        return come_of

    def _read(self, everything: Sequence[Told]) -> tuple[Loader, Files, Refusals]:
        written = dict(self._files(everything))
        files = Files.of({kind: path for kind, (path, _) in written.items()})
        loader = Loader(NOW_US, Progress, self.folder, READING)
        loader.read(files)
        refused: Refusals = {}
        for path, lines in written.values():
            rejects = path.with_name(f"{path.name}.rejects.csv")
            text = rejects.read_text() if rejects.exists() else ""
            refused |= _refused_in(text, lines)
        return loader, files, refused

    def _page(self, everything: Sequence[Told]) -> Refusals:
        """Files that are uploaded."""
        refused: Refusals = {}
        for kind, (path, lines) in self._files(everything):
            page = send(self.site, path.read_bytes(), kind, skip_refused="yes")
            answer = self.site.get(f"{page}/rejects.csv")
            refused |= _refused_in(answer.text if answer.status == 200 else "", lines)
            assert act(self.site, page, "publish") == 303
            deadline = time.monotonic() + LIMIT_S
            while "is published: " not in reader_page(self.site, page):
                assert time.monotonic() < deadline, kind
        return refused

    def _files(
        self, everything: Sequence[Told]
    ) -> Iterator[tuple[str, tuple[Path, list[Told]]]]:
        """A file of each kind, and what each of its lines behind the header tells.

        Most polls are fine, as nobody believes a file in which few can be read.
        """
        fine = Told("polls", "fine", ({"status": "active", "timestamp_utc": FINE},))
        everything = [*everything, *[fine] * len(everything)]
        for kind in dict.fromkeys(told.kind for told in everything):
            mine = [told for told in everything if told.kind == kind]
            names = list(dict.fromkeys(n for told in mine for n in told.rows[0]))
            path = self.folder / f"{kind}.csv"
            lines = [told for told in mine for _ in told.rows]
            with path.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, ["store_id", *names])
                writer.writeheader()
                for told in mine:
                    for row in told.rows:
                        writer.writerow({"store_id": told.store_id, **row})
            yield kind, (path, lines)

    def _where(self, told: Told) -> Topic:
        topic: Topic = getattr(self.site.program.topics, told.kind)
        return topic


def _refused_in(text: str, lines: Sequence[Told]) -> Refusals:
    """What a file of refused rows says; line 1 is the header."""
    return {
        lines[int(row["line"]) - 2]: Refusal(row["reason"], row["message"])
        for row in csv.DictReader(text.splitlines())
    }


def meant(site: LiveSite, told: Told) -> Meant:
    """What the worker's tables say of the store that something was told of."""
    store_id = told.store_id.strip()
    key = store_id.encode()
    program, partition = site.program, partition_for(key, site.settings.partitions)
    if told.kind == "polls":
        return polls_of(store_id, program.histories.polls_of(partition, key))
    if told.kind == "labels":
        return labels.decode(program.labels.read(partition, key))
    return decoded(told.kind, facts_of(getattr(program, told.kind), partition, key))


def polls_of(store_id: str, packed: Any) -> set[Poll]:
    """Polls of packed ones."""
    return {Poll(store_id, time_of(each), is_active(each)) for each in packed.tolist()}


def decoded(kind: str, facts: Facts) -> Meant:
    """Facts of a table as the rules have them, whenever they were published."""
    if kind == "hours":
        return [hours.decode(value) for _, value in facts]
    if kind == "zones":
        return [zones.decode(value) for _, value in facts]
    if kind == "special_hours":
        return [special_hours.decode(suffix, value) for suffix, value in facts]
    found = [exclusions.decode(value) for _, value in facts]
    return [(each.kind, each.begin, each.end, each.local) for each in found]
