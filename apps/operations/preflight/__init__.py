"""The checklist before a deployment, as a program: named checks, evidence of each, and go or no-go."""
