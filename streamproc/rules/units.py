"""Units of time, in whole microseconds. Pure."""

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

DAY_S = DAY_US // SECOND_US
DAY_MS = 1_000 * DAY_S
