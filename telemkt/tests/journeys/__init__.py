"""One journey per role through the real stack, in a real Chromium, in both languages."""
