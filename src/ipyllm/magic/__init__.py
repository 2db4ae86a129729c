"""`%%llm` and `%llm`."""
