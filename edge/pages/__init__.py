"""The screens of a hall: handlers that call actions, view structs, templates; no rules live here."""
