"""The look and the pages: templates, words, contrast."""
