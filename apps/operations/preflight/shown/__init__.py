"""One report in three forms: for a terminal, for programs, and for people who were not there."""
