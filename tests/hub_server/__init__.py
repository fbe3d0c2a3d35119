"""A Hub on loopback: what the real one answers, and by name whatever can go wrong with it.

    with HubServer() as server:
        commit = server.add("alice/cells", {"model.safetensors": content})
        server.fault("hang", on="head")
        ...                                   # the client under test uses server.endpoint
        assert server.requests[-1].sent == 0

Headers, redirects and error codes are those of the real Hub. Large files answer with a
redirect to a second host name, small ones with one to a path on the same host.
"""

from hub_server.faults import FAULTS, Fault
from hub_server.server import HubServer, Request, refusing_endpoint
from hub_server.store import File, Repository

__all__ = ["FAULTS", "Fault", "File", "HubServer", "Repository", "Request", "refusing_endpoint"]
