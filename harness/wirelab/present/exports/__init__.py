"""Results in the formats of platforms: from values to the text of a file. Knows no file and no network."""
