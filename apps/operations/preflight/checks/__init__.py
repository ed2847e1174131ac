"""The checks themselves, one file a subject; `all_checks` reads every one of them."""
