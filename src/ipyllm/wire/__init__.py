"""Bytes to frames. Sans-IO: fed by others, no clock, no socket."""
