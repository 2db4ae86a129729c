"""JSON that is not whole yet: read it, check it, find it in prose."""
