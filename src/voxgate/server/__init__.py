"""The service: voice identity over HTTP."""
