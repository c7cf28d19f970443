"""One module per outside system; imported by `shared.bootstrap` only."""
