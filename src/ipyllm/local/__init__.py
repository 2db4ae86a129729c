"""
The embedded model: its weights, and the process it runs in.

`weights` knows where the file is, `fetch` brings it, `server` runs `child` (a
llama.cpp server in a process of its own) and gives its address. To the rest of
the code that address is one more OpenAI-compatible endpoint.
"""
