"""What stands in for Azure on one machine: never deployed, never imported by the app."""
