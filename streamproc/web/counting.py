"""By what a store's time is counted: what of the settings decides it. Pure."""

from dataclasses import dataclass

from streamproc.rules.uptime import Rules
from streamproc.settings import Settings
from tables.budgets import Budgets
from tables.one_archive import Archived
from tables.one_period import OnePeriods


@dataclass(frozen=True, slots=True)
class Counting:
    """By what all is counted; ``target``: of stores without one, None for none."""

    rules: Rules
    bridge_us: int
    day_starts_s: int
    target: float | None

    @classmethod
    def of(cls, settings: Settings) -> "Counting":
        """As the settings say."""
        return cls(
            settings.rules, settings.bridge_us, settings.day_starts_s, settings.target
        )

    def periods(self, archive: Archived) -> OnePeriods:
        """Figures of stores whose older polls are in ``archive``."""
        return OnePeriods(archive, self.rules, self.bridge_us)

    def budgets(self, archive: Archived, as_of_us: int) -> Budgets:
        """Their error budgets, as of an instant."""
        of = self.rules, self.bridge_us, self.day_starts_s, self.target
        return Budgets(archive, as_of_us, *of)
