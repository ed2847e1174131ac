"""What we measure, on throwaway databases; read ratios within one run, machines differ.

`make bench` is the short one. The others are run by name, `.venv/bin/python -m bench.<name>`:
`serving` (half a minute), `guessing` (ten seconds), `tokens` (twenty seconds), `refreshing` (a minute, two cores),
`cleaning` (a minute, a million rows; or so many as are named), `shopping` (two minutes, two cores, 10,000 products).
"""
