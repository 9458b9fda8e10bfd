"""The devices of the hall, supervised, and the live events they cause."""
