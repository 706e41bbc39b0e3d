"""What is said of topics that are not as they must be."""

import logging
from collections.abc import Mapping

import pytest

from streamproc.errors import TopicMismatchError
from streamproc.transport.kafka.admin import _check_config, partitions_differ
from streamproc.transport.topic import Topic

POLLS, HOURS = Topic("polls", 4, append_time=True), Topic("hours", 4, compacted=True)
INBOX = Topic("inbox", 1)
ALL = (POLLS, HOURS, INBOX)


@pytest.mark.parametrize(
    ("counts", "advised"),
    [
        ({"polls": 8, "hours": 8, "inbox": 1}, "set partitions to 8"),
        ({"polls": 4, "hours": 1, "inbox": 1}, "no setting fits all"),
        ({"polls": 6, "hours": 4, "inbox": 1}, "no setting fits all"),
        ({"polls": 6, "hours": 8, "inbox": 1}, "no setting fits all"),
        ({"polls": 8, "hours": 8, "inbox": 8}, "no setting fits all"),
    ],
)
def test_only_a_setting_that_fits_all_topics_is_advised(
    counts: Mapping[str, int], advised: str
) -> None:
    """Else the next start would advise the contrary."""
    said = partitions_differ(ALL, counts)
    assert advised in said
    assert ("set partitions to" in said) == (advised != "no setting fits all")
    for topic in ALL:
        wrong = counts[topic.name] != topic.partitions
        assert (f"topic {topic.name} has {counts[topic.name]}" in said) == wrong


@pytest.mark.parametrize("policy", ["compact,delete", "delete"])
def test_a_table_topic_that_forgets_is_refused(policy: str) -> None:
    """A record deleted by age would be missing from its table."""
    with pytest.raises(TopicMismatchError, match="compact is needed"):
        _check_config(HOURS, {"cleanup.policy": policy})
    _check_config(HOURS, {"cleanup.policy": "compact"})
    _check_config(HOURS, {})  # may not be told


def test_retention_by_the_producers_clocks_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of the topic that asks for the broker's, and of no other."""
    caplog.set_level(logging.WARNING)
    _check_config(POLLS, {"message.timestamp.type": "LogAppendTime"})
    _check_config(INBOX, {"message.timestamp.type": "CreateTime"})
    assert caplog.text == ""
    _check_config(POLLS, {"message.timestamp.type": "CreateTime"})
    assert "Topic polls has message.timestamp.type=CreateTime" in caplog.text
