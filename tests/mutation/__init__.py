"""Mutation testing of what decides: plans and the rules of how a request ends. By hand (`make mutate`), not in CI."""
