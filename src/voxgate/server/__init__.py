"""The service: voice identity over HTTP. `pip install 'voxgate[server]'`.

`create_app(settings)` is an ASGI app; `voxgate.server.processes.run` serves it, with a drain
when it ends.
"""
