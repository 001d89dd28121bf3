"""Layer judge (pure): from evidence and expectation to checks, findings and a verdict. Knows no YAML, rendering or I/O."""
