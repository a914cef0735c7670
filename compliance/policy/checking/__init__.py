"""Model checking: what must hold in every state of the router, proved by looking at all of them."""
