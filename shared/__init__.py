"""What exports and erasures share: the domain, the request lifecycle, and the adapters to the outside."""
