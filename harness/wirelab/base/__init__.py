"""Layer base: errors, texts and clocks. Knows nothing of anything above it."""
