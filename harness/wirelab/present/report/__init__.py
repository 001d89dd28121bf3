"""Lab reports as documents: from a notebook to the text or bytes of a file. Knows no packets, no files and no network."""
