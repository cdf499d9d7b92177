"""Voxtral: speech in, text out, by transformers' own classes and a hot path of our own."""
