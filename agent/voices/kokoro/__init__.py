"""Kokoro-82M as a Voice: text read by rules and espeak, phrases of many calls in batches."""
