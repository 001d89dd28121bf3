"""Layer judge (pure): from evidence and expectations to findings and a verdict. Knows no YAML, rendering or I/O."""
