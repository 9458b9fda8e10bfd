"""The console on a real centre: real PostgreSQL, real sessions, every route and every role."""
