"""Plain ASGI middleware, one a file: Starlette's own base class hides a client's disconnect."""
