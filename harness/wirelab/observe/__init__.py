"""Layer observe (pure): from captured bytes to connections, messages and one timeline. Knows no expectation, file or clock."""
