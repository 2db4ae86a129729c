"""The cell's output: live while it streams, static HTML afterwards."""
