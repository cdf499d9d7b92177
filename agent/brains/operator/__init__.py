"""The telephone operator: understands a handful of requests, and says so when it does not."""
