"""An app of jobs that leave a trace, for tests that kill the processes which run them."""
