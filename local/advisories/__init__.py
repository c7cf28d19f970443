"""Asks a public database about known vulnerabilities of every installed package: `make audit-dependencies`."""
