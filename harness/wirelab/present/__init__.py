"""Layer present: from values to text. Knows no I/O and plays nothing."""
