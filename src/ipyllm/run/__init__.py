"""One answer, from the request to the settled Reply."""
