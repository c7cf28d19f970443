"""A local stand-in for the Azure Functions host that runs a Python v2 app on one machine."""
