"""Terminals, notebooks that are only executed, and how all that is shown looks."""
