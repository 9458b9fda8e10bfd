"""The promises of the command line and of the addresses, tried as an outside check would try them."""
