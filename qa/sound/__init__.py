"""Files of sound: what they say of themselves (heads), and what a process of its own makes of them (child, parent)."""
