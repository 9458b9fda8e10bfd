"""Tests of the console: search facets, pictures, templates, doors and roles."""
