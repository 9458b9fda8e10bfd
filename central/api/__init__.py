"""The centre's HTTP for programs, under /api/."""
