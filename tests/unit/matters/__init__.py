"""Unit tests of matters."""
