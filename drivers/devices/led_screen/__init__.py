"""LED window screens of Onbon, K series, over TCP and serial lines."""
