"""The questions of lab reports: asked about a student's own packets, each with what is right and why. Pure."""
