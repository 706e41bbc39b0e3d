"""The program as a whole: processes, crashes, commands."""
