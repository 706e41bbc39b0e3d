"""Whether it is the poller that is broken: watched by one worker, told by all."""
