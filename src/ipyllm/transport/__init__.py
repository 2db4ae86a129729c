"""The only code that waits: sockets, and the one thread that owns them."""
