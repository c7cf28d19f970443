"""The domain: values and decisions without I/O, clock or environment."""
