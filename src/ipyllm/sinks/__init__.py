"""Where there is no page to stream to: a terminal, or a notebook that is only executed."""
