"""A4 printer behind a folder: whatever prints takes files out of it and puts them where they ended."""
