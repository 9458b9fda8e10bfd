"""A4 printer over IPP: CUPS, or a printer that speaks it by itself."""
