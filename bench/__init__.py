"""What we measure: ratios within one run, on a throwaway database with the demo shop."""
